import { Counter, Gauge, type Registry } from 'prom-client';

export interface KafkaMetrics {
  readonly messages: Counter<'subscriber'>;
  readonly failures: Counter<'subscriber'>;
  readonly rebuilds: Counter<'subscriber'>;
  readonly stoppedPartitions: Gauge<'subscriber'>;
}

export function kafkaMetrics(registry: Registry): KafkaMetrics {
  const labelNames = ['subscriber'] as const;
  const registers = [registry];
  return {
    messages: new Counter({
      name: 'event_stream_messages_total',
      help: 'Messages whose effect has been written',
      labelNames,
      registers,
    }),
    failures: new Counter({
      name: 'event_stream_failures_total',
      help: 'Times that messages could not be dealt with and were given again',
      labelNames,
      registers,
    }),
    rebuilds: new Counter({
      name: 'event_stream_rebuilds_total',
      help: 'Times that the consumer of a topic was given up and made again',
      labelNames,
      registers,
    }),
    stoppedPartitions: new Gauge({
      name: 'event_stream_stopped_partitions',
      help: 'Partitions that are not read because the broker does not have the offset that is wanted',
      labelNames,
      registers,
    }),
  };
}
