import { lastNewAt, type Arrival, type WebhookBench } from '../webhook-bench.js';

const HEALTHY = 80;
const OTHERS = 20;
/** So that the first of the two runs is no colder than the second. */
const WARM_UP_SHARE = 0.1;

export interface HangTwentyResult {
  readonly kind: 'hang-twenty';
  readonly scenario: string;
  readonly events: number;
  /** Of the same 80 endpoints, in deliveries/s. */
  readonly withoutHung: BurstResult;
  readonly withHung: BurstResult;
  /** The second divided by the first. */
  readonly kept: number;
}

export interface BurstResult {
  readonly deliveredPerSecond: number;
  readonly seconds: number;
  readonly arrival: Arrival;
}

/** A burst of events to 100 endpoints, of which first all answer and then 80: how fast those have everything. */
export async function measureHangTwenty(bench: WebhookBench): Promise<HangTwentyResult> {
  const { hangEvents: events } = bench.settings;
  await measureBurst(bench, 'endpoint', Math.ceil(events * WARM_UP_SHARE));
  const withoutHung = await measureBurst(bench, 'endpoint', events);
  const withHung = await measureBurst(bench, 'hung', events);
  return {
    kind: 'hang-twenty',
    scenario: 'hang-twenty',
    events,
    withoutHung,
    withHung,
    kept: withHung.deliveredPerSecond / withoutHung.deliveredPerSecond,
  };
}

async function measureBurst(
  bench: WebhookBench,
  others: 'endpoint' | 'hung',
  events: number,
): Promise<BurstResult> {
  const healthy = Array.from({ length: HEALTHY }, (_, index) => `endpoint-${index}`);
  const rest = Array.from({ length: OTHERS }, (_, index) => `${others}-${HEALTHY + index}`);
  return await bench.withEndpoints([...healthy, ...rest], async (positionBefore) => {
    const startedAt = Date.now();
    const load = bench.post({ events });
    try {
      await load.untilExhausted();
      const answering = others === 'hung' ? healthy : [...healthy, ...rest];
      const arrival = await bench.arrival(answering, positionBefore, [load.take()]);
      const seconds = (lastNewAt(await bench.receiver.snapshot(), healthy) - startedAt) / 1000;
      return { deliveredPerSecond: (HEALTHY * arrival.events) / seconds, seconds, arrival };
    } finally {
      load.abort();
    }
  });
}
