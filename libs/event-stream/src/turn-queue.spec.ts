import { setTimeout as sleep } from 'node:timers/promises';
import { TurnQueue, type TurnQueueSettings } from './turn-queue.js';

const settings: TurnQueueSettings = { turnsMax: 1, keysMax: 3, restMs: 10, retryMs: 20, retryMsMax: 10_000 };

function queueOf(take: (key: string) => Promise<boolean>, changes: Partial<TurnQueueSettings> = {}) {
  const failed: number[] = [];
  const queue = new TurnQueue(
    { ...settings, ...changes },
    { take, onFailed: (_key, _err, _failures, waitMs) => failed.push(waitMs) },
  );
  return { queue, failed };
}

it('lets keys that are behind take turns', async () => {
  const taken: string[] = [];
  const { queue } = queueOf(async (key) => {
    taken.push(key);
    return taken.length < 6;
  });
  queue.poke('busy');
  queue.poke('quiet');
  await sleep(100);
  await queue.stop(1_000);
  expect(taken.slice(0, 6)).toEqual(['busy', 'quiet', 'busy', 'quiet', 'busy', 'quiet']);
});

it('takes another turn for what came during one, however often it was told', async () => {
  let turns = 0;
  const { queue } = queueOf(async () => {
    turns++;
    await sleep(20);
    return false;
  });
  queue.poke('a');
  for (let n = 0; n < 10; n++) queue.poke('a');
  await sleep(200);
  await queue.stop(1_000);
  expect(turns).toBe(2);
});

it('pauses after a failure until it is over, whoever pokes', async () => {
  let turns = 0;
  const { queue, failed } = queueOf(
    async () => {
      turns++;
      throw new Error('no database');
    },
    { retryMs: 5_000 },
  );
  queue.poke('a');
  await sleep(30);
  queue.poke('a');
  await sleep(30);
  expect(turns).toBe(1);
  queue.endPauses();
  await sleep(30);
  expect(turns).toBe(2);
  expect(failed).toEqual([5_000, 5_000]);
  await queue.stop(1_000);
});

it('keeps no more keys than its limit', async () => {
  const taken = new Set<string>();
  const { queue } = queueOf(async (key) => {
    taken.add(key);
    return false;
  });
  for (const key of ['a', 'b', 'c', 'd', 'e']) queue.poke(key);
  await sleep(100);
  expect([...taken]).toEqual(['a', 'b', 'c']);
  queue.poke('e');
  await sleep(100);
  expect(taken.has('e')).toBe(true);
  await queue.stop(1_000);
});

it('stops waiting for a turn that does not end', async () => {
  const { queue } = queueOf(() => new Promise(() => undefined));
  queue.poke('a');
  const startedAt = performance.now();
  await queue.stop(50);
  expect(performance.now() - startedAt).toBeLessThan(5_000);
});
