import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

export type DeliveryMetrics = ReturnType<typeof deliveryMetrics>;

export function deliveryMetrics(registry: Registry) {
  const registers = [registry];
  return {
    intakeEvents: new Counter({
      name: 'dispatcher_intake_messages_total',
      help: 'Messages that were taken in, by what became of them',
      labelNames: ['result'] as const,
      registers,
    }),
    deliveries: new Counter({
      name: 'dispatcher_deliveries_total',
      help: 'Deliveries that ended, by how',
      labelNames: ['outcome'] as const,
      registers,
    }),
    attempts: new Counter({
      name: 'dispatcher_attempts_total',
      help: 'Attempts, by the class of their answer or error',
      labelNames: ['result'] as const,
      registers,
    }),
    attemptSeconds: new Histogram({
      name: 'dispatcher_attempt_seconds',
      help: 'Time of one attempt',
      buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15],
      registers,
    }),
    refusedResults: new Counter({
      name: 'dispatcher_refused_results_total',
      help: 'Results that changed nothing, because their shard had a newer term or their delivery had ended',
      registers,
    }),
    disabledEndpoints: new Counter({
      name: 'dispatcher_disabled_endpoints_total',
      help: 'Endpoints that were disabled by the dispatcher',
      labelNames: ['reason'] as const,
      registers,
    }),
    inFlight: new Gauge({
      name: 'dispatcher_attempts_in_flight',
      help: 'Attempts under way',
      registers,
    }),
    due: new Gauge({
      name: 'dispatcher_due_deliveries',
      help: 'Deliveries that are due and not yet claimed, at most 10,000 counted of an endpoint',
      registers,
    }),
    oldestDueSeconds: new Gauge({
      name: 'dispatcher_oldest_due_seconds',
      help: 'For how long the oldest delivery that is not yet claimed has been due',
      registers,
    }),
    openBreakers: new Gauge({
      name: 'dispatcher_open_breakers',
      help: 'Endpoints to which only probes are sent',
      registers,
    }),
    shardsHeld: new Gauge({
      name: 'dispatcher_shards_held',
      help: 'Shards of endpoints that this process works',
      registers,
    }),
    parkedLedgers: new Gauge({
      name: 'dispatcher_parked_ledgers',
      help: 'Ledgers whose events are kept aside until somebody decides about a dead letter',
      registers,
    }),
    deadLetters: new Gauge({
      name: 'dispatcher_dead_letters',
      help: 'Messages that are kept aside, at most 100,000 counted',
      registers,
    }),
  };
}
