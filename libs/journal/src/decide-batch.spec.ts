import { hash } from 'node:crypto';
import {
  accountWith,
  captureOf,
  holdOf,
  idOf,
  moveOf,
  reversalOf,
  stateOf,
  voidOf,
} from '../../../test/support/ledger-fixtures.js';
import type { CreateTransactionCommand, LedgerCommand } from '#domain';
import { decideBatch, DoneInPart } from './decide-batch.js';
import { requestIdentity } from './earlier-requests.js';
import { chainHash, dataHash, genesisHash } from './event-chain.js';
import { decodeEvent } from './event-codec.js';
import type { Gathered } from './gather-batch.js';
import { QueuedUnit } from './queued-unit.js';
import type { RecordedEvent } from './recorded-event.js';
import type { BatchItem, BatchMode, BatchOutcome, Outcome } from './write-request.js';

const ledgerId = idOf(9, 1);
const [alice, bob] = [idOf(1, 1), idOf(1, 2)] as const;
const head = { epoch: 1, position: 10n, hash: genesisHash(ledgerId), recordedAt: 1_500_000n };

interface Asked {
  readonly key?: string | undefined;
  readonly body?: string | undefined;
  readonly isDryRun?: boolean;
  readonly owner?: string;
}

const keyed = (key: string | undefined, body = 'same') => ({
  idempotencyKey: key ?? null,
  requestHash: key === undefined ? null : hash('sha256', body, 'buffer'),
});

function unit(work: QueuedUnit['work'], { key, body, isDryRun = false, owner = '' }: Asked = {}): QueuedUnit {
  const request = {
    ledgerId,
    actor: 'key_test',
    owner,
    mayMint: true,
    mayBurn: true,
    isDryRun,
    ...keyed(key, body),
    deadlineAt: Number.POSITIVE_INFINITY,
    bytes: 1,
  };
  return new QueuedUnit(
    request,
    work,
    () => undefined,
    () => undefined,
  );
}

const one = (command: LedgerCommand, asked?: Asked) => unit({ kind: 'command', command }, asked);
const batchOf = (mode: BatchMode, items: readonly BatchItem[], asked?: Asked) =>
  unit({ kind: 'batch', batch: { mode, items } }, asked);
const item = (command: CreateTransactionCommand, key?: string, body?: string): BatchItem => ({
  command,
  ...keyed(key, body),
});

let transactions = 0;
const payment = (amount: bigint, sender = alice, recipient = bob) =>
  moveOf(idOf(2, ++transactions), sender, recipient, amount);
const pay = (amount: bigint, key?: string, body?: string) => one(payment(amount), { key, body });
const payItem = (amount: bigint, key?: string, body?: string) => item(payment(amount), key, body);

function decided(units: QueuedUnit[], money = 100n, gathered: Partial<Gathered> = {}) {
  const state = stateOf([accountWith(alice, money), accountWith(bob, 0n)]);
  const whole = { state, earlierRequests: new Map(), undecidable: new Map(), ...gathered };
  const written: RecordedEvent[] = [];
  const batch = decideBatch(ledgerId, head, whole, units, (event) => written.push(event));
  expect(written).toEqual(batch.events);
  return batch;
}

function fateText(outcome: Outcome | BatchOutcome): string {
  if (!outcome.accepted) {
    const { refusal } = outcome;
    if (!('reason' in outcome) || outcome.reason === null) return refusal.code;
    return `${refusal.code}: ${outcome.index} ${outcome.reason.code}`;
  }
  const how = outcome.isReplay ? 'replay' : outcome.isDryRun ? 'dry run' : 'accepted';
  return 'items' in outcome ? `${how}: ${outcome.items.map(fateText).join(', ')}` : how;
}

function summary({ fates }: ReturnType<typeof decided>) {
  return fates.map((fate) => ('bug' in fate ? 'bug' : fateText(fate.outcome)));
}

const positions = ({ events }: ReturnType<typeof decided>) => events.map(({ position }) => Number(position));
const requests = (batch: ReturnType<typeof decided>) =>
  batch.requests.map(({ key, firstPosition, lastPosition }) => [
    key,
    Number(firstPosition),
    Number(lastPosition),
  ]);
const balances = ({ touched }: ReturnType<typeof decided>) =>
  Object.fromEntries(
    touched.map(({ id, postedCredits, postedDebits }) => [
      id === alice ? 'alice' : id === bob ? 'bob' : id,
      Number(postedCredits - postedDebits),
    ]),
  );

describe('the loop of a batch', () => {
  it('decides each command with the effects of those before it', () => {
    const batch = decided([pay(60n), pay(50n), pay(40n)]);
    expect(summary(batch)).toEqual(['accepted', 'insufficient_funds', 'accepted']);
    expect(positions(batch)).toEqual([11, 12]);
    expect(balances(batch)).toEqual({ alice: 0, bob: 100 });
    expect(batch.touchesPending).toBe(false);
  });

  it('writes an accepted request once, whatever comes after it under its key', () => {
    const batch = decided([pay(10n, 'k'), pay(10n, 'k'), pay(10n, 'k', 'other'), pay(10n, 'l')]);
    expect(summary(batch)).toEqual(['accepted', 'replay', 'idempotency_key_reused', 'accepted']);
    expect(batch.events).toHaveLength(2);
    expect(requests(batch)).toEqual([
      ['k', 11, 11],
      ['l', 12, 12],
    ]);
  });

  it('keeps nothing of a refused request', () => {
    const batch = decided([pay(500n, 'k'), pay(500n, 'k'), pay(5n, 'k', 'other')]);
    expect(summary(batch)).toEqual(['insufficient_funds', 'insufficient_funds', 'accepted']);
    expect(batch.requests).toHaveLength(1);
  });

  it('keeps nothing of a command whose decision throws', () => {
    const unknown = one({ kind: 'unknown' } as unknown as LedgerCommand, { key: 'k' });
    const batch = decided([pay(10n), unknown, pay(10n)]);
    expect(summary(batch)).toEqual(['accepted', 'bug', 'accepted']);
    expect(positions(batch)).toEqual([11, 12]);
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

  it('notes the effective time of what is back-dated, and of nothing else', () => {
    const back = moveOf(idOf(2, 1), alice, bob, 1n, { effectiveAt: 7n });
    const { events } = decided([pay(1n), one(back)]);
    expect(events.map(({ effectiveAt, recordedAt }) => [effectiveAt, recordedAt])).toEqual([
      [2_000_000n, 2_000_000n],
      [7n, 2_000_001n],
    ]);
  });
});

describe('what a batch changes besides accounts', () => {
  const [hold, capture, reversal] = [idOf(3, 1), idOf(3, 2), idOf(3, 3)] as const;

  it('how far transactions have come, as it is at the end of the batch', () => {
    const batch = decided([
      one(holdOf(hold, alice, bob, 60n)),
      one(captureOf(hold, capture, 20n)),
      one(reversalOf(capture, reversal, 5n)),
      one(voidOf(hold)),
    ]);
    expect(summary(batch)).toEqual(['accepted', 'accepted', 'accepted', 'accepted']);
    expect(batch.events.map(({ type, transactionId }) => [type, transactionId])).toEqual([
      ['transaction.pending', hold],
      ['transaction.captured', capture],
      ['transaction.reversed', reversal],
      ['transaction.voided', hold],
    ]);
    expect(batch.progressed).toEqual([
      {
        transactionId: hold,
        progress: {
          status: 'voided',
          expiresAt: null,
          captured: [20n],
          captures: 1,
          reversed: [5n],
          reversals: [reversal],
        },
      },
      {
        transactionId: capture,
        progress: {
          status: 'posted',
          expiresAt: null,
          captured: [],
          captures: 0,
          reversed: [5n],
          reversals: [reversal],
        },
      },
    ]);
    expect(balances(batch)).toEqual({ alice: 85, bob: 15 });
    expect(batch.touchesPending).toBe(true);
  });

  it('an external id once, by the event that takes it', () => {
    const named = holdOf(hold, alice, bob, 60n);
    const batch = decided([
      one({ ...named, draft: { ...named.draft, externalId: 'order-1' } }),
      one(voidOf(hold)),
      one(moveOf(idOf(2, 1), alice, bob, 1n, { externalId: 'order-2' })),
    ]);
    expect(batch.transactionExternalIds).toEqual([
      { externalId: 'order-1', transactionId: hold },
      { externalId: 'order-2', transactionId: idOf(2, 1) },
    ]);
  });

  it('accounts that nothing moved on are not touched by a hold that is extended', () => {
    const batch = decided([
      one(holdOf(hold, alice, bob, 60n, 3_000_000n)),
      one({ kind: 'extend-hold', transactionId: hold, expiresAt: 4_000_000n }),
    ]);
    expect(summary(batch)).toEqual(['accepted', 'accepted']);
    expect(batch.touched.map(({ version }) => version)).toEqual([2, 2]);
  });

  it('settings of the ledger, the newest of each', () => {
    const rate = (text: string) =>
      one({ kind: 'set-exchange-rate', from: 'EUR', to: 'PTS', rate: text }, { key: text });
    const batch = decided([
      rate('2'),
      one({ kind: 'add-currency', code: 'PTS', exponent: 0, name: 'Points' }),
      rate('2'),
      rate('3'),
      one({ kind: 'close-period', through: '2026-01-01', closedBefore: 5n }),
      one({ kind: 'close-period', through: '2026-02-01', closedBefore: 6n }),
    ]);
    expect(summary(batch).slice(0, 3)).toEqual(['unknown_currency', 'accepted', 'accepted']);
    expect(batch.exchangeRates).toMatchObject([
      { setting: { from: 'EUR', to: 'PTS', rate: '3' }, position: 13n, recordedAt: 2_000_002n },
    ]);
    expect(batch.currencies).toMatchObject([{ setting: { code: 'PTS' }, position: 11n }]);
    expect(batch.closedPeriod).toMatchObject({ setting: { through: '2026-02-01' }, position: 15n });
  });
});

describe('a transaction that cannot be decided about', () => {
  const [gone, strange] = [idOf(3, 1), idOf(3, 2)] as const;
  const undecidable = new Map([
    [gone, null],
    [strange, new Error('of a later release')],
  ]);

  it.each<[string, LedgerCommand, string]>([
    ['captured', captureOf(gone, idOf(3, 9)), 'transaction_not_pending'],
    ['voided', voidOf(gone), 'transaction_not_pending'],
    ['expired', { kind: 'expire-hold', transactionId: gone }, 'transaction_not_pending'],
    [
      'extended',
      { kind: 'extend-hold', transactionId: gone, expiresAt: 9_000_000n },
      'transaction_not_pending',
    ],
    ['reversed', reversalOf(gone, idOf(3, 9)), 'not_reversible'],
  ])('because its data is erased can not be %s', (_, command, code) => {
    expect(summary(decided([one(command), pay(1n)], 100n, { undecidable }))).toEqual([code, 'accepted']);
    expect(summary(decided([one(command, { owner: 'alice' })], 100n, { undecidable }))).toEqual([
      'transaction_not_found',
    ]);
  });

  it('because this release cannot read it fails its command alone', () => {
    const batch = decided([pay(1n), one(voidOf(strange)), pay(1n)], 100n, { undecidable });
    expect(summary(batch)).toEqual(['accepted', 'bug', 'accepted']);
  });
});

describe("a client's batch", () => {
  const both: BatchMode[] = ['independent', 'atomic'];

  it('of independent items: each is decided with the effects of those before, and a refused one leaves no trace', () => {
    const items = [payItem(60n), payItem(50n), payItem(40n)];
    const batch = decided([pay(1n), batchOf('independent', items), pay(1n)], 101n);
    expect(summary(batch)).toEqual([
      'accepted',
      'accepted: accepted, insufficient_funds, accepted',
      'insufficient_funds',
    ]);
    expect(positions(batch)).toEqual([11, 12, 13]);
    expect(balances(batch)).toEqual({ alice: 0, bob: 101 });
  });

  it('of atomic items: one refusal refuses all, names the first, and leaves no trace for its neighbours', () => {
    const items = [payItem(60n), payItem(50n), payItem(400n)];
    const batch = decided([pay(1n), batchOf('atomic', items, { key: 'k' }), pay(99n)]);
    expect(summary(batch)).toEqual(['accepted', 'batch_refused: 1 insufficient_funds', 'accepted']);
    expect(positions(batch)).toEqual([11, 12]);
    expect(batch.requests).toEqual([]);
    expect(balances(batch)).toEqual({ alice: 0, bob: 100 });
  });

  it('keeps the place of an item that was refused before it came, whatever its key has done', () => {
    const refusal = { code: 'forbidden', message: 'not with this key', path: null } as const;
    const refused = { ...payItem(5n, 'i'), refusal };
    const items = [payItem(1n), refused, payItem(2n)];
    const batch = decided([
      pay(5n, 'i'),
      batchOf('independent', items, { key: 'k' }),
      batchOf('atomic', items),
      batchOf('independent', items, { key: 'k' }),
    ]);
    expect(summary(batch)).toEqual([
      'accepted',
      'accepted: accepted, forbidden, accepted',
      'batch_refused: 1 forbidden',
      'replay: accepted, forbidden, accepted',
    ]);
    expect(balances(batch)).toEqual({ alice: 92, bob: 8 });
  });

  it('of atomic items that are all accepted is written as one after the other', () => {
    const items = [payItem(60n), item(payment(30n, bob, alice)), payItem(70n)];
    const batch = decided([batchOf('atomic', items)]);
    expect(summary(batch)).toEqual(['accepted: accepted, accepted, accepted']);
    expect(balances(batch)).toEqual({ alice: 0, bob: 100 });
  });

  it.each(both)('tells of each item what is recorded of it: %s', (mode) => {
    const items = Array.from({ length: 20 }, () => payItem(1n));
    const { fates, events } = decided([pay(1n), batchOf(mode, items)]);
    const fate = fates[1];
    if (!fate || !('outcome' in fate) || !('items' in fate.outcome)) throw new Error('no batch');
    const told = fate.outcome.items.flatMap((outcome) => (outcome.accepted ? outcome.events : []));
    expect(told).toEqual(
      events.slice(1).map((recorded) => ({
        position: recorded.position,
        recordedAt: recorded.recordedAt,
        transactionId: recorded.transactionId,
        event: decodeEvent(recorded),
      })),
    );
    expect(told).toHaveLength(20);
  });

  describe('whose last item runs into a bug', () => {
    const unknown = item({ kind: 'unknown' } as unknown as CreateTransactionCommand);
    const withBug = (mode: BatchMode, asked: Asked) => batchOf(mode, [payItem(60n, 'i'), unknown], asked);

    it.each<[string, BatchMode, Asked]>([
      ['of atomic items', 'atomic', { key: 'k' }],
      ['a dry run of atomic ones', 'atomic', { isDryRun: true }],
      ['a dry run of independent ones', 'independent', { isDryRun: true }],
    ])('%s leaves no trace', (_, mode, asked) => {
      const batch = decided([withBug(mode, asked), pay(100n, 'i')]);
      expect(summary(batch)).toEqual(['bug', 'accepted']);
      expect(requests(batch)).toEqual([['i', 11, 11]]);
    });

    it('of independent items, the first of which are on their way, takes all with it', () => {
      const units = [pay(1n), withBug('independent', { key: 'k' }), pay(1n)];
      expect(() => decided(units)).toThrow(DoneInPart);
    });

    it('in the middle of an effect, takes all with it', () => {
      const state = stateOf([accountWith(alice, 100n), accountWith(bob, 0n)]);
      state.putAccount = () => {
        throw new Error('a bug');
      };
      for (const work of [pay(1n), batchOf('independent', [payItem(1n)])]) {
        expect(() => decided([work], 100n, { state })).toThrow(
          expect.objectContaining({ constructor: DoneInPart, cause: new Error('a bug') }) as Error,
        );
      }
    });

    it.each(both)('because what was recorded under a key of it can not be read, fails alone: %s', (mode) => {
      const readEvents = () => {
        throw new Error('of a later release');
      };
      const earlier = { kind: 'command', requestHash: keyed('old').requestHash!, readEvents } as const;
      const earlierRequests = new Map([[requestIdentity('', 'old'), earlier]]);
      const batch = batchOf(mode, [payItem(1n), payItem(1n, 'old')], { key: 'k' });
      const decideAll = () => decided([pay(1n), batch, pay(1n)], 100n, { earlierRequests });
      expect(decideAll).not.toThrow();
      const { fates, events } = decideAll();
      expect(fates[1]).toEqual({ bug: new Error('of a later release') });
      expect(events).toHaveLength(2);
    });

    it('of independent items, none of which was accepted, fails alone', () => {
      const refused = batchOf('independent', [payItem(500n), unknown], { key: 'k' });
      expect(summary(decided([refused, pay(100n)]))).toEqual(['bug', 'accepted']);
    });
  });
});

describe("the keys of a client's batch", () => {
  it('each item has its own, or that of the batch, which covers all of it', () => {
    const items = [payItem(1n, 'i'), payItem(500n), payItem(2n), payItem(3n, 'j')];
    const batch = decided([batchOf('independent', items, { key: 'k' })]);
    expect(batch.events.map(({ position, idempotencyKey }) => [Number(position), idempotencyKey])).toEqual([
      [11, 'i'],
      [12, 'k'],
      [13, 'j'],
    ]);
    expect(requests(batch)).toEqual([
      ['i', 11, 11],
      ['j', 13, 13],
      ['k', 11, 13],
    ]);
    expect(batch.requests.map(({ answer }) => answer)).toEqual([
      null,
      null,
      [
        { first: '11', last: '11' },
        { refusal: expect.objectContaining({ code: 'insufficient_funds' }) as unknown },
        { first: '12', last: '12' },
        { first: '13', last: '13' },
      ],
    ]);
  });

  it.each<[string, QueuedUnit[], string[]]>([
    [
      'an item that repeats one before it gets its outcome',
      [batchOf('independent', [payItem(10n, 'i'), payItem(10n, 'i'), payItem(10n, 'i', 'other')])],
      ['accepted: accepted, replay, idempotency_key_reused'],
    ],
    [
      'an item that repeats a refused one is decided itself',
      [
        batchOf('independent', [
          payItem(60n),
          payItem(50n, 'i'),
          item(payment(10n, bob, alice)),
          payItem(50n, 'i'),
          payItem(50n, 'i'),
        ]),
      ],
      ['accepted: accepted, insufficient_funds, accepted, accepted, replay'],
    ],
    [
      'an item that repeats a command before the batch gets its outcome',
      [pay(10n, 'i'), batchOf('independent', [payItem(10n, 'i'), payItem(10n, 'i', 'other')])],
      ['accepted', 'accepted: replay, idempotency_key_reused'],
    ],
    [
      'and so does a command that repeats an item',
      [batchOf('independent', [payItem(10n, 'i')], { key: 'k' }), pay(10n, 'i'), pay(10n, 'i', 'other')],
      ['accepted: accepted', 'replay', 'idempotency_key_reused'],
    ],
    [
      'a replay counts as accepted in an atomic batch',
      [pay(10n, 'i'), batchOf('atomic', [payItem(10n, 'i'), payItem(90n), payItem(10n, 'i')])],
      ['accepted', 'accepted: replay, accepted, replay'],
    ],
    [
      'a key that was used for another request refuses an atomic batch',
      [pay(10n, 'i'), batchOf('atomic', [payItem(1n), payItem(10n, 'i', 'other')])],
      ['accepted', 'batch_refused: 1 idempotency_key_reused'],
    ],
    [
      'a repeated batch gets the first answer, refusals and replays within it included',
      [
        pay(10n, 'i'),
        batchOf('independent', [payItem(10n, 'i'), payItem(500n), payItem(80n)], { key: 'k' }),
        one({ kind: 'create-transaction', draft: payment(10n, bob, alice).draft }),
        batchOf('independent', [payItem(10n, 'i'), payItem(500n), payItem(80n)], { key: 'k' }),
      ],
      [
        'accepted',
        'accepted: replay, insufficient_funds, accepted',
        'accepted',
        'replay: replay, insufficient_funds, accepted',
      ],
    ],
    [
      'another batch, or a command, can not have its key',
      [
        batchOf('independent', [payItem(1n)], { key: 'k' }),
        batchOf('independent', [payItem(1n)], { key: 'k', body: 'other' }),
        pay(1n, 'k'),
        pay(1n, 'l'),
        batchOf('atomic', [payItem(1n)], { key: 'l' }),
      ],
      [
        'accepted: accepted',
        'idempotency_key_reused',
        'idempotency_key_reused',
        'accepted',
        'idempotency_key_reused',
      ],
    ],
    [
      'nor can one of its own items',
      [batchOf('independent', [payItem(1n, 'k'), payItem(1n)], { key: 'k' })],
      ['accepted: idempotency_key_reused, accepted'],
    ],
    [
      'a batch of which nothing is written uses up no key',
      [
        pay(10n, 'i'),
        batchOf('independent', [payItem(10n, 'i'), payItem(500n)], { key: 'k' }),
        batchOf('atomic', [payItem(1n)], { key: 'k', body: 'other' }),
      ],
      ['accepted', 'accepted: replay, insufficient_funds', 'accepted: accepted'],
    ],
    [
      'an atomic batch that is refused uses up none either, nor do its items',
      [
        batchOf('atomic', [payItem(1n, 'i'), payItem(500n)], { key: 'k' }),
        batchOf('atomic', [payItem(1n, 'i', 'other')], { key: 'k', body: 'other' }),
      ],
      ['batch_refused: 1 insufficient_funds', 'accepted: accepted'],
    ],
  ])('%s', (_, units, fates) => {
    expect(summary(decided(units))).toEqual(fates);
  });

  it('of two owners are two', () => {
    const state = stateOf([
      accountWith(alice, 100n, { ownerId: 'a' }),
      accountWith(bob, 50n, { ownerId: 'b' }),
    ]);
    const units = [
      batchOf('atomic', [item(payment(1n, alice, alice), 'i')], { key: 'k', owner: 'a' }),
      batchOf('independent', [item(payment(1n, bob, alice), 'i')], { key: 'k', owner: 'b' }),
    ];
    expect(summary(decided(units, 0n, { state }))).toEqual([
      'batch_refused: 0 same_account',
      'accepted: account_not_found',
    ]);
  });
});

describe('a dry run', () => {
  it('tells what would happen, and nothing of it is there for its neighbours', () => {
    const dry = one(payment(60n), { isDryRun: true });
    const batch = decided([dry, pay(60n), one(payment(60n), { isDryRun: true }), pay(40n)]);
    expect(summary(batch)).toEqual(['dry run', 'accepted', 'insufficient_funds', 'accepted']);
    expect(positions(batch)).toEqual([11, 12]);
    expect(batch.fates[0]).toMatchObject({
      outcome: { events: [{ position: 11n, recordedAt: 2_000_000n, event: { type: 'transaction.posted' } }] },
    });
  });

  it.each<BatchMode>(['independent', 'atomic'])('of a batch heeds the keys of its items: %s', (mode) => {
    const dry = (items: readonly BatchItem[]) => batchOf(mode, items, { isDryRun: true });
    const batch = decided([
      pay(90n, 'used'),
      dry([payItem(90n, 'used'), payItem(7n, 'free'), payItem(7n, 'free')]),
      dry([payItem(1n, 'used', 'other')]),
      pay(10n, 'free', 'other'),
    ]);
    expect(summary(batch)).toEqual([
      'accepted',
      'dry run: replay, dry run, replay',
      mode === 'atomic' ? 'batch_refused: 0 idempotency_key_reused' : 'dry run: idempotency_key_reused',
      'accepted',
    ]);
    expect(requests(batch).map(([key]) => key)).toEqual(['used', 'free']);
  });

  it('of a batch refuses an item that has the key of all, as the batch will', () => {
    const items = () => [payItem(1n, 'k'), payItem(2n)];
    const batch = decided([
      batchOf('independent', items(), { key: 'k', isDryRun: true }),
      batchOf('independent', items(), { key: 'k' }),
    ]);
    const outcomes = (item: string) => `${item}: idempotency_key_reused, ${item}`;
    expect(summary(batch)).toEqual([outcomes('dry run'), outcomes('accepted')]);
  });

  it('reads no key of its own and uses up none', () => {
    const batch = decided([
      one(payment(10n), { key: 'k', isDryRun: true }),
      pay(10n, 'k', 'other'),
      one(payment(10n), { key: 'k', isDryRun: true }),
    ]);
    expect(summary(batch)).toEqual(['dry run', 'accepted', 'dry run']);
    expect(requests(batch)).toEqual([['k', 11, 11]]);
  });

  it('of a batch decides its items as the batch would', () => {
    const items = () => [payItem(60n, 'i'), payItem(50n), payItem(40n, 'i')];
    const asked = { key: 'k', isDryRun: true };
    const batch = decided([
      batchOf('independent', items(), asked),
      batchOf('atomic', items(), asked),
      batchOf('independent', items(), { key: 'k' }),
    ]);
    expect(summary(batch)).toEqual([
      'dry run: dry run, insufficient_funds, replay',
      'batch_refused: 1 insufficient_funds',
      'accepted: accepted, insufficient_funds, replay',
    ]);
    expect(batch.events).toHaveLength(1);
  });

  it.each<BatchMode>(['independent', 'atomic'])(
    'of a batch that is accepted, %s, writes nothing and uses up no key',
    (mode) => {
      const items = [payItem(60n, 'i'), payItem(40n)];
      const batch = decided([batchOf(mode, items, { key: 'k', isDryRun: true }), pay(100n)]);
      expect(summary(batch)).toEqual(['dry run: dry run, dry run', 'accepted']);
      expect(positions(batch)).toEqual([11]);
      expect(batch.requests).toEqual([]);
    },
  );
});

it('an effect without its event, which is a bug, fails the batch', () => {
  const tooLongToBeHashed = 'x'.repeat(20_000);
  expect(() => decided([pay(1n), pay(1n, tooLongToBeHashed)])).toThrow('an effect of the batch has no event');
});
