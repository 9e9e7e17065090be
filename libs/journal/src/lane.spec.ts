import { randomUUID } from 'node:crypto';
import { setImmediate as immediate, setTimeout as sleep } from 'node:timers/promises';
import { draftOf } from '../../../test/support/ledger-fixtures.js';
import type { CreateTransactionCommand } from '#domain';
import type { AheadBatch } from './ahead-batch.js';
import { aheadBytesMax, batchCommandsMax, batchPostingsMax, Lane } from './lane.js';
import { QueuedUnit, type Work } from './queued-unit.js';
import type { Outcome } from './write-request.js';

const accepted: Outcome = { accepted: true, isReplay: false, isDryRun: false, events: [] };

interface Waiting {
  readonly unit: QueuedUnit;
  readonly fate: Promise<string>;
}

function waiting(postings = 1, deadlineMs = 10_000): Waiting {
  return waitingFor({ kind: 'command', command: commandOf(postings) }, deadlineMs);
}

/** A client's batch of transactions with one posting each. */
function waitingBatch(items: number, bytes = 1): Waiting {
  const item = { idempotencyKey: null, requestHash: null, command: commandOf(1) };
  return waitingFor(
    { kind: 'batch', batch: { mode: 'atomic', items: Array(items).fill(item) } },
    10_000,
    bytes,
  );
}

function commandOf(postings: number): CreateTransactionCommand {
  const posting = { sender: 'a', recipient: 'b', amount: 1n };
  return {
    kind: 'create-transaction',
    draft: draftOf(
      randomUUID(),
      Array.from({ length: postings }, () => posting),
    ),
  };
}

function waitingFor(work: Work, deadlineMs: number, bytes = 1): Waiting {
  const request = {
    ledgerId: randomUUID(),
    actor: 'key_test',
    owner: '',
    mayMint: true,
    mayBurn: true,
    isDryRun: false,
    idempotencyKey: null,
    requestHash: null,
    deadlineAt: performance.now() + deadlineMs,
    bytes,
  };
  let settled: (fate: string) => void;
  const fate = new Promise<string>((resolve) => (settled = resolve));
  const unit = new QueuedUnit(
    request,
    work,
    () => settled('settled'),
    (error) => settled(error.message),
  );
  return { unit, fate };
}

/** A lane whose batches end when the test says so. */
function laneUnderTest() {
  const batches: number[] = [];
  let taken = 0;
  const ends: (() => void)[] = [];
  const lane = new Lane(
    async (units) => {
      batches.push(units.length);
      await new Promise<void>((end) => ends.push(end));
      for (const unit of units) unit.settle(accepted);
      return null;
    },
    (units) => (taken += units.length),
  );
  const endBatch = async () => {
    ends.shift()?.();
    await tick();
  };
  return { lane, batches, endBatch, taken: () => taken };
}

/** What was due before is done. A timer would not do: on a busy machine it may come before an immediate. */
const tick = async () => {
  await immediate();
  await immediate();
};

describe('a lane', () => {
  it('commits a lone command at once', async () => {
    const { lane, batches, endBatch } = laneUnderTest();
    const { unit, fate } = waiting();
    lane.add(unit);
    await tick();
    expect(batches).toEqual([1]);
    await endBatch();
    expect(await fate).toBe('settled');
    expect(lane.isIdle).toBe(true);
  });

  it('has one batch in flight; what comes meanwhile is the next one', async () => {
    const { lane, batches, endBatch } = laneUnderTest();
    lane.add(waiting().unit);
    await tick();
    for (let n = 0; n < 7; n++) lane.add(waiting().unit);
    await tick();
    expect(batches).toEqual([1]);
    expect(lane.depth).toBe(7);
    await endBatch();
    expect(batches).toEqual([1, 7]);
  });

  it('takes what came in the same turn together, up to the most commands of a batch', async () => {
    const { lane, batches, endBatch, taken } = laneUnderTest();
    for (let n = 0; n < batchCommandsMax + 5; n++) lane.add(waiting().unit);
    await tick();
    await endBatch();
    expect(batches).toEqual([batchCommandsMax, 5]);
    expect(taken()).toBe(batchCommandsMax + 5);
  });

  it('takes up to the most postings of a batch; one larger than that goes alone', async () => {
    const { lane, batches, endBatch } = laneUnderTest();
    for (const postings of [batchPostingsMax - 1, 1, 1, batchPostingsMax + 1, 1]) {
      lane.add(waiting(postings).unit);
    }
    await tick();
    for (let n = 0; n < 4; n++) await endBatch();
    expect(batches).toEqual([2, 1, 1, 1]);
  });

  it("takes a client's batch whole, and counts its items", async () => {
    const { lane, batches, endBatch } = laneUnderTest();
    const of = (items: number) => lane.add(waitingBatch(items).unit);
    for (const items of [600, 400, 1, 999, 2, batchCommandsMax + 1]) of(items);
    expect(lane.depth).toBe(2_002 + batchCommandsMax + 1);
    await tick();
    for (let n = 0; n < 4; n++) await endBatch();
    expect(batches).toEqual([2, 2, 1, 1]);
    expect(lane.depth).toBe(0);
  });

  it('shows the batch behind where it is full, and leaves it in the queue', async () => {
    const { lane, batches, endBatch } = laneUnderTest();
    lane.add(waiting().unit);
    await tick();
    const units = [600, 400, 999, 2].map((items) => waitingBatch(items).unit);
    const peeked = () =>
      [0, 1, 2, 3, 4].map((skipped) => lane.peekFull(skipped)?.map((unit) => units.indexOf(unit)));
    lane.add(units[0]!);
    expect(lane.peekFull(0)).toBeNull();
    lane.add(units[1]!);
    expect(lane.peekFull(0)).toEqual(units.slice(0, 2));
    lane.add(units[2]!);
    expect(lane.peekFull(2)).toBeNull();
    lane.add(units[3]!);
    expect(peeked()).toEqual([[0, 1], [1], [2], undefined, undefined]);
    expect(lane.depth).toBe(2_001);
    for (let n = 0; n < 3; n++) await endBatch();
    expect(batches).toEqual([1, 2, 1, 1]);
  });

  it('shows none that is larger than a commit should be', async () => {
    const { lane } = laneUnderTest();
    for (const { unit } of [waitingBatch(batchCommandsMax + 1), waiting(batchPostingsMax + 1)])
      lane.add(unit);
    expect([lane.peekFull(0), lane.peekFull(1), lane.peekFull(2)]).toEqual([null, null, null]);
  });

  it.each([
    ['shows', 0],
    ['does not show', 1],
  ])('%s one whose bodies have %d bytes more than may be decided ahead', (_, more) => {
    const { lane } = laneUnderTest();
    const { unit } = waitingBatch(batchCommandsMax, aheadBytesMax + more);
    lane.add(unit);
    expect(lane.peekFull(0)).toEqual(more > 0 ? null : [unit]);
  });

  it('shows none that is full of postings before it is', async () => {
    const { lane } = laneUnderTest();
    for (const postings of [batchPostingsMax - 1, 1, 1]) lane.add(waiting(postings).unit);
    expect(lane.peekFull(0)).toHaveLength(2);
    expect(lane.peekFull(1)).toBeNull();
  });

  it('hands on what was decided ahead with the batch that it is for, and also where nothing of that is left', async () => {
    const ahead = { isOf: () => true } as unknown as AheadBatch;
    const given: [units: number, ahead: AheadBatch | null][] = [];
    let [isFirst, onFirst] = [true, () => undefined as void];
    const lane = new Lane(
      async (units, _lane, decidedAhead) => {
        given.push([units.length, decidedAhead]);
        for (const unit of units) unit.settle(accepted);
        if (!isFirst) return null;
        isFirst = false;
        await new Promise<void>((resolve) => (onFirst = resolve));
        return ahead;
      },
      () => undefined,
    );
    lane.add(waiting().unit);
    await tick();
    lane.add(waiting().unit);
    lane.abandon(new Error('given up'));
    onFirst();
    await tick();
    expect(given).toEqual([
      [1, null],
      [0, ahead],
    ]);
    expect(lane.isIdle).toBe(true);
  });

  it('drops from its front what has waited too long', async () => {
    const { lane, endBatch, taken } = laneUnderTest();
    lane.add(waiting().unit);
    await tick();
    const [hasty, patient] = [waiting(1, 1), waiting()];
    lane.add(hasty.unit);
    lane.add(patient.unit);
    await sleep(5);
    lane.dropExpired();
    expect(await hasty.fate).toMatch(/not executed/);
    expect(lane.depth).toBe(1);
    expect(taken()).toBe(2);
    await endBatch();
    await endBatch();
    expect(await patient.fate).toBe('settled');
  });

  it('gives up what waits, not what is in flight', async () => {
    const { lane, endBatch } = laneUnderTest();
    const [inFlight, queued] = [waiting(), waiting()];
    lane.add(inFlight.unit);
    await tick();
    lane.add(queued.unit);
    lane.abandon(new Error('given up'));
    expect(await queued.fate).toBe('given up');
    await endBatch();
    expect(await inFlight.fate).toBe('settled');
    expect(lane.isIdle).toBe(true);
  });

  it('fails a batch whose settling throws, and goes on', async () => {
    let isFirst = true;
    const lane = new Lane(
      async (units) => {
        if (isFirst) {
          isFirst = false;
          throw new Error('a bug');
        }
        for (const unit of units) unit.settle(accepted);
        return null;
      },
      () => undefined,
    );
    const [first, second] = [waiting(), waiting()];
    lane.add(first.unit);
    await tick();
    lane.add(second.unit);
    expect([await first.fate, await second.fate]).toEqual(['a bug', 'settled']);
  });
});

it('a unit is settled once', async () => {
  const { unit, fate } = waiting();
  unit.fail(new Error('first'));
  unit.settle(accepted);
  unit.fail(new Error('third'));
  expect(await fate).toBe('first');
});
