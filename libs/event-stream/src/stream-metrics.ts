import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

export interface StreamMetrics {
  readonly lagEvents: Gauge<'subscriber'>;
  readonly lagSeconds: Gauge<'subscriber'>;
  readonly turnSeconds: Histogram<'subscriber' | 'result'>;
  readonly messages: Counter<'subscriber'>;
}

export function streamMetrics(registry: Registry): StreamMetrics {
  const labelNames = ['subscriber'] as const;
  const registers = [registry];
  return {
    lagEvents: new Gauge({
      name: 'stream_lag_events',
      help: 'Events of the ledgers that a subscriber follows and has not handled yet',
      labelNames,
      registers,
    }),
    lagSeconds: new Gauge({
      name: 'stream_lag_seconds',
      help: 'Age of the oldest event that a subscriber has not handled yet',
      labelNames,
      registers,
    }),
    turnSeconds: new Histogram({
      name: 'stream_turn_seconds',
      help: 'Time of one turn of a subscriber, by how it ended',
      labelNames: ['subscriber', 'result'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
      registers,
    }),
    messages: new Counter({
      name: 'stream_messages_total',
      help: 'Messages that a subscriber has handled',
      labelNames,
      registers,
    }),
  };
}
