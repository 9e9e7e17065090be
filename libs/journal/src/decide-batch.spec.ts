import { hash } from 'node:crypto';
import { accountWith, idOf, moveOf, stateOf } from '../../../test/support/ledger-fixtures.js';
import type { LedgerCommand } from '#domain';
import { decideBatch } from './decide-batch.js';
import { chainHash, dataHash, genesisHash } from './event-chain.js';
import { QueuedCommand } from './write-request.js';

const ledgerId = idOf(9, 1);
const [alice, bob] = [idOf(1, 1), idOf(1, 2)] as const;
const head = { epoch: 1, position: 10n, hash: genesisHash(ledgerId), recordedAt: 1_500_000n };

function queued(command: LedgerCommand, key: string | null = null, body = 'same'): QueuedCommand {
  const request = {
    ledgerId,
    actor: 'key_test',
    owner: '',
    idempotencyKey: key,
    requestHash: key === null ? null : hash('sha256', body, 'buffer'),
    deadlineAt: Number.POSITIVE_INFINITY,
    bytes: 1,
  };
  return new QueuedCommand(
    request,
    command,
    () => undefined,
    () => undefined,
  );
}

function decided(commands: QueuedCommand[], money = 100n) {
  const state = stateOf([accountWith(alice, money), accountWith(bob, 0n)]);
  return decideBatch(ledgerId, head, { state, earlierRequests: new Map() }, commands);
}

const pay = (amount: bigint, key?: string, body?: string) =>
  queued(moveOf(idOf(2, Number(amount)), alice, bob, amount), key ?? null, body);

function summary({ fates }: ReturnType<typeof decided>) {
  return fates.map((fate) => {
    if ('bug' in fate) return 'bug';
    if (!fate.outcome.accepted) return fate.outcome.refusal.code;
    return fate.outcome.isReplay ? 'replay' : 'accepted';
  });
}

describe('the loop of a batch', () => {
  it('decides each command with the effects of those before it', () => {
    const batch = decided([pay(60n), pay(50n), pay(40n)]);
    expect(summary(batch)).toEqual(['accepted', 'insufficient_funds', 'accepted']);
    expect(batch.events.map(({ position }) => position)).toEqual([11n, 12n]);
    expect(batch.touched.map(({ id, postedCredits }) => [id, postedCredits])).toEqual([
      [alice, 100n],
      [bob, 100n],
    ]);
  });

  it('writes an accepted request once, whatever comes after it under its key', () => {
    const batch = decided([pay(10n, 'k'), pay(10n, 'k'), pay(10n, 'k', 'other'), pay(10n, 'l')]);
    expect(summary(batch)).toEqual(['accepted', 'replay', 'idempotency_key_reused', 'accepted']);
    expect(batch.events).toHaveLength(2);
    expect(
      batch.requests.map(({ key, firstPosition, lastPosition }) => [key, firstPosition, lastPosition]),
    ).toEqual([
      ['k', 11n, 11n],
      ['l', 12n, 12n],
    ]);
  });

  it('keeps nothing of a refused request', () => {
    const batch = decided([pay(500n, 'k'), pay(500n, 'k'), pay(5n, 'k', 'other')]);
    expect(summary(batch)).toEqual(['insufficient_funds', 'insufficient_funds', 'accepted']);
    expect(batch.requests).toHaveLength(1);
  });

  it('keeps nothing of a command whose decision throws', () => {
    const unknown = queued({ kind: 'unknown' } as unknown as LedgerCommand, 'k');
    const batch = decided([pay(10n), unknown, pay(10n)]);
    expect(summary(batch)).toEqual(['accepted', 'bug', 'accepted']);
    expect(batch.events.map(({ position }) => position)).toEqual([11n, 12n]);
    expect(batch.requests).toEqual([]);
  });

  it('chains its events to the head, and salts each of them anew', () => {
    const { events } = decided(
      Array.from({ length: 300 }, (_, n) => pay(1n, `k${n}`)),
      1_000n,
    );
    let previous = head.hash;
    for (const event of events) {
      expect(event.dataHash).toEqual(dataHash(event.dataSalt!, event.dataText!));
      expect(event.hash).toEqual(chainHash(previous, event));
      previous = event.hash;
    }
    expect(events).toHaveLength(300);
    expect(new Set(events.map(({ dataSalt }) => dataSalt!.toString('hex'))).size).toBe(300);
    expect(new Set(events.map(({ id }) => id)).size).toBe(300);
  });
});
