import { lastNewAt, type Arrival, type WebhookBench } from '../webhook-bench.js';

const HEALTHY = 80;
const OTHERS = 20;
/** So that the first run is no colder than the last. */
const WARM_UP_SHARE = 0.1;

export interface HangTwentyResult {
  readonly kind: 'hang-twenty';
  readonly scenario: string;
  readonly events: number;
  /** Of the same 80 endpoints, in deliveries/s: without the others, with 20 others that answer, with 20 that hang. */
  readonly alone: BurstResult;
  readonly allAnswer: BurstResult;
  readonly twentyHang: BurstResult;
  /** The last divided by the second, and by the first, in which there are fewer deliveries to make. */
  readonly keptOfAllAnswer: number;
  readonly keptOfAlone: number;
}

export interface BurstResult {
  readonly deliveredPerSecond: number;
  readonly seconds: number;
  readonly arrival: Arrival;
}

/** A burst of events to each endpoint: how fast 80 of them have everything, by what the other 20 do. */
export async function measureHangTwenty(bench: WebhookBench): Promise<HangTwentyResult> {
  const { hangEvents: events } = bench.settings;
  await measureBurst(bench, others('endpoint'), Math.ceil(events * WARM_UP_SHARE));
  const alone = await measureBurst(bench, [], events);
  const allAnswer = await measureBurst(bench, others('endpoint'), events);
  const twentyHang = await measureBurst(bench, others('hung'), events);
  return {
    kind: 'hang-twenty',
    scenario: 'hang-twenty',
    events,
    alone,
    allAnswer,
    twentyHang,
    keptOfAllAnswer: twentyHang.deliveredPerSecond / allAnswer.deliveredPerSecond,
    keptOfAlone: twentyHang.deliveredPerSecond / alone.deliveredPerSecond,
  };
}

function others(kind: 'endpoint' | 'hung'): string[] {
  return Array.from({ length: OTHERS }, (_, index) => `${kind}-${HEALTHY + index}`);
}

async function measureBurst(
  bench: WebhookBench,
  rest: readonly string[],
  events: number,
): Promise<BurstResult> {
  const healthy = Array.from({ length: HEALTHY }, (_, index) => `endpoint-${index}`);
  return await bench.withEndpoints([...healthy, ...rest], async (positionBefore) => {
    const startedAt = Date.now();
    const load = bench.post({ events });
    try {
      await load.untilExhausted();
      const answering = [...healthy, ...rest.filter((name) => !name.startsWith('hung'))];
      const arrival = await bench.arrival(answering, positionBefore, [load.take()]);
      const seconds = (lastNewAt(await bench.receiver.snapshot(), healthy) - startedAt) / 1000;
      return { deliveredPerSecond: (HEALTHY * arrival.events) / seconds, seconds, arrival };
    } finally {
      load.abort();
    }
  });
}
