import { accepted } from '../../transfers/scenario.js';
import type { LatencyMs } from '../receiver/protocol.js';
import { received, type Arrival, type WebhookBench } from '../webhook-bench.js';

const GRACE_SECONDS = 1;

export interface HangOneResult {
  readonly kind: 'hang-one';
  readonly scenario: string;
  readonly ratePerSecond: number;
  readonly seconds: number;
  readonly posted: number;
  /** Of these the healthy endpoint has, one second after the last was posted. */
  readonly receivedInTime: number;
  readonly healthyLoses: number;
  readonly latencyMs: LatencyMs | undefined;
  readonly arrival: Arrival;
}

/** One of two endpoints never answers. What the other one loses is what it doesn't have in time. */
export async function measureHangOne(bench: WebhookBench): Promise<HangOneResult> {
  const { hangRate: ratePerSecond, hangSeconds: seconds } = bench.settings;
  const names = ['endpoint-0'];
  return await bench.withEndpoints([...names, 'hung-0'], async (positionBefore) => {
    const load = bench.post({ ratePerSecond });
    try {
      await bench.pause(seconds);
      await load.finish();
      const tally = load.take();
      await bench.pause(GRACE_SECONDS);
      const snapshot = await bench.receiver.snapshot();
      const receivedInTime = received(snapshot, names);
      return {
        kind: 'hang-one',
        scenario: 'hang-one',
        ratePerSecond,
        seconds,
        posted: accepted(tally),
        receivedInTime,
        healthyLoses: 1 - receivedInTime / Math.max(1, accepted(tally)),
        latencyMs: snapshot.latencyMs,
        arrival: await bench.arrival(names, positionBefore, [tally]),
      };
    } finally {
      load.abort();
    }
  });
}
