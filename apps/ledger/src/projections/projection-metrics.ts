import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

export interface ProjectionMetrics {
  readonly lagMax: Gauge<'projection'>;
  readonly lagTotal: Gauge<'projection'>;
  readonly parked: Gauge<'projection'>;
  readonly turnSeconds: Histogram<'projection' | 'result'>;
  readonly events: Counter<'projection'>;
}

export function projectionMetrics(registry: Registry): ProjectionMetrics {
  const labelNames = ['projection'] as const;
  const registers = [registry];
  return {
    lagMax: new Gauge({
      name: 'ledger_projection_lag_events_max',
      help: 'Events of the journal that a projection has not seen yet, in the ledger that is furthest behind',
      labelNames,
      registers,
    }),
    lagTotal: new Gauge({
      name: 'ledger_projection_lag_events',
      help: 'Events of the journal that a projection has not seen yet, over all ledgers',
      labelNames,
      registers,
    }),
    parked: new Gauge({
      name: 'ledger_projection_parked_ledgers',
      help: 'Ledgers that a projection has stopped at because of an event that it cannot project',
      labelNames,
      registers,
    }),
    turnSeconds: new Histogram({
      name: 'ledger_projection_turn_seconds',
      help: 'Time of one turn of a projection, by how it ended',
      labelNames: ['projection', 'result'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
      registers,
    }),
    events: new Counter({
      name: 'ledger_projection_events_total',
      help: 'Events that a projection has seen',
      labelNames,
      registers,
    }),
  };
}
