import type { Latency } from '../../transfers/load.js';
import { accepted } from '../../transfers/scenario.js';
import type { LatencyMs } from '../receiver/protocol.js';
import type { Arrival, WebhookBench } from '../webhook-bench.js';

export interface LatencyResult {
  readonly kind: 'latency';
  readonly scenario: string;
  readonly ratePerSecond: number;
  readonly postedPerSecond: number;
  /** From the event's occurredAt, which Postgres reads before it commits, to its first arrival. */
  readonly latencyMs: LatencyMs | undefined;
  /** Of the POSTs that made the events, in the same seconds. */
  readonly postMs: Latency | undefined;
  readonly generatorBusy: number;
  readonly arrival: Arrival;
}

/** One endpoint and an open loop: events are posted at fixed times, whatever becomes of them. */
export async function measureLatency(bench: WebhookBench, ratePerSecond: number): Promise<LatencyResult> {
  const { settings, receiver } = bench;
  const names = ['endpoint-0'];
  return await bench.withEndpoints(names, async (positionBefore) => {
    const load = bench.post({ ratePerSecond });
    try {
      await bench.pause(settings.warmUpSeconds);
      await receiver.resetLatency();
      const warmUp = load.take();
      await bench.pause(settings.seconds);
      const { latencyMs } = await receiver.snapshot();
      const measured = load.take();
      await load.finish();
      return {
        kind: 'latency',
        scenario: `latency at ${ratePerSecond}/s`,
        ratePerSecond,
        postedPerSecond: accepted(measured) / measured.seconds,
        latencyMs,
        postMs: measured.latencyMs,
        generatorBusy: measured.generatorBusy,
        arrival: await bench.arrival(names, positionBefore, [warmUp, measured, load.take()]),
      };
    } finally {
      load.abort();
    }
  });
}
