import { cpuSeconds, difference, type CpuSeconds } from '../../transfers/cpu-time.js';
import { accepted } from '../../transfers/scenario.js';
import { received, type Arrival, type WebhookBench } from '../webhook-bench.js';

export interface ThroughputResult {
  readonly kind: 'throughput';
  readonly scenario: string;
  readonly endpoints: number;
  /** During the measured seconds, in which events are posted all the time. */
  readonly postedPerSecond: number;
  readonly deliveredPerSecond: number;
  /** Deliveries still to be made when posting ended, and the rate at which they then were. */
  readonly behindAtEnd: number;
  readonly drainedPerSecond: number | undefined;
  readonly cpu: CpuSeconds | undefined;
  readonly receiverBusy: number;
  readonly generatorBusy: number;
  readonly arrival: Arrival;
}

/** Every event to so many endpoints, while events are posted in a closed loop. */
export async function measureThroughput(
  bench: WebhookBench,
  scenario: string,
  endpoints: number,
): Promise<ThroughputResult> {
  const { settings, receiver, product } = bench;
  const names = Array.from({ length: endpoints }, (_, index) => `endpoint-${index}`);
  return await bench.withEndpoints(names, async (positionBefore) => {
    const load = bench.post();
    try {
      await bench.pause(settings.warmUpSeconds);
      const cpuBefore = await cpuSeconds(product.pid);
      await receiver.resetLatency();
      const before = await receiver.snapshot();
      const warmUp = load.take();
      await bench.pause(settings.seconds);
      const after = await receiver.snapshot();
      const measured = load.take();
      const cpu = difference(cpuBefore, await cpuSeconds(product.pid));
      await load.finish();
      const tallies = [warmUp, measured, load.take()];
      const atEnd = await receiver.snapshot();
      const arrival = await bench.arrival(names, positionBefore, tallies);
      const behindAtEnd = arrival.events * endpoints - received(atEnd, names);
      const drainSeconds = (arrival.lastNewAt - atEnd.at) / 1000;
      return {
        kind: 'throughput',
        scenario,
        endpoints,
        postedPerSecond: accepted(measured) / measured.seconds,
        deliveredPerSecond:
          (received(after, names) - received(before, names)) / ((after.at - before.at) / 1000),
        behindAtEnd,
        drainedPerSecond:
          behindAtEnd > 0 && drainSeconds > 0 ? (behindAtEnd - arrival.lost) / drainSeconds : undefined,
        cpu,
        receiverBusy: after.busy,
        generatorBusy: measured.generatorBusy,
        arrival,
      };
    } finally {
      load.abort();
    }
  });
}
