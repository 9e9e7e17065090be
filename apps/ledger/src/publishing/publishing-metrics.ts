import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

export interface PublishingMetrics {
  readonly lagEvents: Gauge;
  readonly lagSeconds: Gauge;
  readonly parked: Gauge;
  readonly isLeader: Gauge;
  readonly term: Gauge;
  readonly events: Counter;
  readonly sendSeconds: Histogram<'result'>;
  readonly refusedCheckpoints: Counter;
}

export function publishingMetrics(registry: Registry): PublishingMetrics {
  const registers = [registry];
  return {
    lagEvents: new Gauge({
      name: 'ledger_publishing_lag_events',
      help: 'Events of the journal that Kafka has not acknowledged yet, over all ledgers',
      registers,
    }),
    lagSeconds: new Gauge({
      name: 'ledger_publishing_lag_seconds',
      help: 'Since the oldest event was recorded that Kafka has not acknowledged yet; parked ledgers apart',
      registers,
    }),
    parked: new Gauge({
      name: 'ledger_publishing_parked_ledgers',
      help: 'Ledgers that publishing has stopped at because of an event that can not be rendered',
      registers,
    }),
    isLeader: new Gauge({
      name: 'ledger_publishing_is_leader',
      help: '1 in the one process that publishes',
      registers,
    }),
    term: new Gauge({
      name: 'ledger_publishing_term',
      help: 'The term in which this process publishes, or last did',
      registers,
    }),
    events: new Counter({
      name: 'ledger_publishing_events_total',
      help: 'Events that Kafka has acknowledged',
      registers,
    }),
    sendSeconds: new Histogram({
      name: 'ledger_publishing_send_seconds',
      help: 'Time of one send to Kafka, by how it ended',
      labelNames: ['result'],
      buckets: [0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 15, 30],
      registers,
    }),
    refusedCheckpoints: new Counter({
      name: 'ledger_publishing_refused_checkpoints_total',
      help: 'Checkpoints that were not saved because another term had begun',
      registers,
    }),
  };
}
