import { randomUUID } from 'node:crypto';
import { setImmediate as immediate, setTimeout as sleep } from 'node:timers/promises';
import { draftOf } from '../../../test/support/ledger-fixtures.js';
import type { CreateTransactionCommand } from '#domain';
import { batchCommandsMax, batchPostingsMax, Lane } from './lane.js';
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
function waitingBatch(items: number): Waiting {
  const item = { idempotencyKey: null, requestHash: null, command: commandOf(1) };
  return waitingFor({ kind: 'batch', batch: { mode: 'atomic', items: Array(items).fill(item) } }, 10_000);
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

function waitingFor(work: Work, deadlineMs: number): Waiting {
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
    bytes: 1,
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
