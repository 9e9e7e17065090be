import {
  accountWith,
  captureOf,
  draftOf,
  expiryOf,
  extensionOf,
  holdOf,
  idOf,
  moveOf,
  reversalOf,
  settingsOf,
  stateOf,
  voidOf,
} from '../../../test/support/ledger-fixtures.js';
import {
  decide,
  evolve,
  isTransactionEvent,
  unboundCaller,
  newAccount,
  type Account,
  type DomainEvent,
  type Leg,
  type LedgerCommand,
  type Progress,
  type Transaction,
} from '#domain';
import { chainHash, dataHash, genesisHash } from './event-chain.js';
import { effectiveAtOf, encodeEventData, transactionIdOf, versionOf } from './event-codec.js';
import type { RecordedEvent } from './recorded-event.js';
import { LedgerFold } from './ledger-fold.js';

const ledgerId = idOf(9, 1);
const [alice, bob] = [idOf(1, 1), idOf(1, 2)] as const;

/** When the first event of a chain is recorded; the others follow, 1 µs apart. */
const startedAt = 2_000_000n;

/** A chain whose every hash is right: what somebody could write who can compute them, too. */
function chained(events: readonly DomainEvent[], erased: readonly number[] = []): RecordedEvent[] {
  let previous = genesisHash(ledgerId);
  return events.map((event, index) => {
    const dataText = encodeEventData(event);
    const dataSalt = Buffer.alloc(32, index);
    const recordedAt = startedAt + BigInt(index);
    const fields = {
      ledgerId,
      epoch: 1,
      position: BigInt(index + 1),
      id: idOf(8, index),
      type: event.type,
      version: versionOf(event),
      transactionId: transactionIdOf(event),
      dataHash: dataHash(dataSalt, dataText),
      actor: 'key_test',
      idempotencyKey: null,
      requestHash: null,
      recordedAt,
      effectiveAt: effectiveAtOf(event, recordedAt),
    };
    previous = chainHash(previous, fields);
    const isErased = erased.includes(index + 1);
    return {
      ...fields,
      dataText: isErased ? null : dataText,
      dataSalt: isErased ? null : dataSalt,
      hash: previous,
    };
  });
}

function firstDifference(events: readonly DomainEvent[], erased: readonly number[] = []) {
  const fold = new LedgerFold(ledgerId);
  const recordedEvents = chained(events, erased);
  for (const recorded of recordedEvents) {
    const difference = fold.add(recorded, (id) => {
      const index = recordedEvents.findIndex(({ transactionId }) => transactionId === id);
      if (index < 0 || index + 1 >= Number(recorded.position)) return undefined;
      return erased.includes(index + 1) ? null : events[index];
    });
    if (difference) return [difference.subject, difference.position];
  }
  return null;
}

const opened = (id: string, changes: Partial<Account> = {}): DomainEvent => ({
  type: 'account.opened',
  account: { ...newAccount(id, null, 'EUR', settingsOf({ minBalance: null }), 1_000_000n), ...changes },
});

/** A transfer of 5 from Alice to Bob, whose accounts have seen `before` of them. */
function transfer(before: number, changeLeg: (leg: Leg) => Partial<Leg> = () => ({})): DomainEvent {
  const sofar = BigInt(before) * 5n;
  const life = { minBalance: null, version: 1 + before, entryNumber: before };
  const state = stateOf([accountWith(alice, -sofar, life), accountWith(bob, sofar, life)]);
  const draft = draftOf(idOf(2, before), [{ sender: alice, recipient: bob, amount: 5n }]);
  const decision = decide({ kind: 'create-transaction', draft }, state, unboundCaller);
  if (!decision.accepted || decision.events[0]?.type !== 'transaction.posted') throw new Error('refused');
  const { transaction } = decision.events[0];
  const legs = transaction.legs.map((leg) => ({ ...leg, ...changeLeg(leg) }));
  return { type: 'transaction.posted', transaction: { ...transaction, legs } };
}

const updated = (changes: Partial<Account>): DomainEvent => {
  const account = newAccount(bob, null, 'EUR', settingsOf({ minBalance: null }), 1_000_000n);
  return { type: 'account.updated', account: { ...account, version: 2, settingsVersion: 2, ...changes } };
};

const both = [opened(alice), opened(bob)];
const onFirst = (changes: Partial<Leg>) => (leg: Leg) => (leg.leg === 1 ? changes : {});

describe('the data of an event, which its hash is of', () => {
  const [record] = chained([opened(alice)]);
  it.each<[string, Partial<RecordedEvent>]>([
    ['has changed', { dataText: record!.dataText!.replace('"EUR"', '"USD"') }],
    ['has another salt', { dataSalt: Buffer.alloc(32, 7) }],
    ['is gone, and its salt is not', { dataText: null }],
    ['is there, and its salt is gone', { dataSalt: null }],
  ])('%s: a difference', (_, changes) => {
    const found = new LedgerFold(ledgerId).add({ ...record!, ...changes }, () => undefined);
    expect(found).toMatchObject({ subject: 'data hash', position: 1n });
  });
});

describe('a chain whose hashes are right', () => {
  it('and whose events follow from each other has no difference', () => {
    expect(
      firstDifference([...both, updated({}), transfer(0, (leg) => (leg.leg === 2 ? { version: 3 } : {}))]),
    ).toBeNull();
    expect(firstDifference([...both, transfer(0), transfer(1), transfer(2)])).toBeNull();
  });

  it.each<[string, DomainEvent[], string, bigint]>([
    ['an account opened twice', [...both, opened(bob)], 'account opened once', 3n],
    ['a change of no account', [opened(alice), updated({})], 'account exists', 2n],
    ['a change that skips a version', [...both, updated({ version: 3 })], 'version', 3n],
    [
      'a change that skips a settings version',
      [...both, updated({ settingsVersion: 3 })],
      'settings version',
      3n,
    ],
    [
      'a change that brings money',
      [...both, updated({ postedCredits: 1n })],
      'balances of an account event',
      3n,
    ],
    [
      'a change that brings turnover',
      [...both, updated({ postedCredits: 1n, postedDebits: 1n })],
      'balances of an account event',
      3n,
    ],
    ['a leg of no account', [opened(alice), transfer(0)], 'leg 2: account', 2n],
    ['a leg with another balance', [...both, transfer(0, onFirst({ posted: 0n }))], 'leg 1: balances', 3n],
    [
      'a leg with another available balance',
      [...both, transfer(0, onFirst({ available: 0n }))],
      'leg 1: balances',
      3n,
    ],
    [
      'a leg with another pending balance',
      [...both, transfer(0, onFirst({ pendingIn: 1n }))],
      'leg 1: balances',
      3n,
    ],
    ['a leg that skips a version', [...both, transfer(0, onFirst({ version: 3 }))], 'leg 1: version', 3n],
    [
      'a leg that skips an entry',
      [...both, transfer(0, onFirst({ entryNumber: 2 }))],
      'leg 1: entry number',
      3n,
    ],
    ['a leg twice', [...both, transfer(0), transfer(0)], 'leg 1: balances', 4n],
    ['a transaction left out', [...both, transfer(1)], 'leg 1: balances', 3n],
    [
      'one side that gets more than the other gives',
      [...both, transfer(0, (leg) => (leg.leg === 2 ? { amount: 6n, posted: 6n, available: 6n } : {}))],
      'sum of the legs in EUR',
      3n,
    ],
  ])('does not hide %s', (_, events, subject, position) => {
    expect(firstDifference(events)).toEqual([subject, position]);
  });
});

describe('after an erased event', () => {
  it('what it did is taken from the next event that tells', () => {
    expect(firstDifference([...both, transfer(0), transfer(1), transfer(2)], [3])).toBeNull();
    expect(firstDifference([...both, transfer(0), transfer(1), transfer(2)], [1, 3])).toBeNull();
  });

  it('what follows from what is known is checked again', () => {
    const wrong = transfer(2, onFirst({ posted: 0n }));
    expect(firstDifference([...both, transfer(0), transfer(1), wrong], [3])).toEqual(['leg 1: balances', 5n]);
    const unbalanced = transfer(1, (leg) => (leg.leg === 2 ? { amount: 6n } : {}));
    expect(firstDifference([...both, transfer(0), unbalanced], [3])).toEqual(['sum of the legs in EUR', 4n]);
  });

  it('an account that it cannot have touched is checked as ever', () => {
    const twice = [...both, transfer(0), transfer(0)];
    expect(firstDifference([...twice, transfer(1)], [1])).toEqual(['leg 2: balances', 4n]);
  });
});

/** The journal of these commands, from the opening of two accounts with 1,000 each and one in yen. */
function historyOf(...commands: LedgerCommand[]): DomainEvent[] {
  const accounts = [
    accountWith(alice, 0n, { minBalance: null }),
    accountWith(bob, 0n, { minBalance: null }),
    accountWith(carol, 0n, { minBalance: null, currency: 'JPY' }),
  ];
  const openings = BigInt(accounts.length);
  const state = stateOf(accounts, { position: openings, recordedAt: startedAt + openings - 1n });
  const events: DomainEvent[] = accounts.map((account) => ({
    type: 'account.opened',
    account: newAccount(
      account.id,
      null,
      account.currency,
      settingsOf({ minBalance: null }),
      account.createdAt,
    ),
  }));
  for (const command of commands) {
    const decision = decide(command, state, unboundCaller);
    if (!decision.accepted) throw new Error(decision.refusal.code);
    for (const event of decision.events) evolve(state, event);
    events.push(...decision.events);
  }
  return events;
}

const carol = idOf(1, 3);
const [hold, first, second, third] = [idOf(3, 1), idOf(3, 2), idOf(3, 3), idOf(3, 4)] as const;
const several = (id: string): LedgerCommand => ({
  kind: 'create-transaction',
  draft: draftOf(id, [
    { sender: alice, recipient: bob, amount: 10n },
    { sender: bob, recipient: alice, amount: 4n },
    { sender: alice, recipient: bob, amount: 1n },
  ]),
});
const exchange = (id: string): LedgerCommand => ({
  kind: 'create-transaction',
  draft: draftOf(id, [{ sender: alice, recipient: carol, amount: 1_000n, exchangeRate: '160.5' }]),
});

/** 3 cents are held for 2 yen, and captured one by one: for 1, for none and for 1. */
const threeCents = (): LedgerCommand[] => [
  {
    kind: 'create-transaction',
    draft: draftOf(hold, [{ sender: alice, recipient: carol, amount: 3n, exchangeRate: '60' }], {
      hold: { expiresAt: null },
    }),
  },
  ...[first, second, third].map((id) => captureOf(hold, id, 1n)),
];

describe('the life of a transaction', () => {
  it.each<[string, LedgerCommand[]]>([
    [
      'captured in parts, given back in parts',
      [
        holdOf(hold, alice, bob, 100n),
        captureOf(hold, first, 30n),
        captureOf(hold, second, 20n, true),
        reversalOf(first, third, 10n),
        reversalOf(hold, idOf(3, 5), 5n),
        reversalOf(second, idOf(3, 6)),
      ],
    ],
    [
      'extended and voided',
      [holdOf(hold, alice, bob, 100n, 9_000_000n), extensionOf(hold, 9_000_001n), voidOf(hold)],
    ],
    ['voided after a capture', [holdOf(hold, alice, bob, 100n), captureOf(hold, first, 30n), voidOf(hold)]],
    ['expired', [holdOf(hold, alice, bob, 100n, 2_000_004n), expiryOf(hold)]],
    [
      'given back in parts, with several postings',
      [several(first), reversalOf(first, second, 3n), reversalOf(first, third)],
    ],
    [
      'an exchange, given back in parts',
      [exchange(first), reversalOf(first, second, 3n), reversalOf(first, third)],
    ],
    [
      'an exchange of which a capture took nothing, given back',
      [...threeCents(), reversalOf(second, idOf(3, 5)), reversalOf(hold, idOf(3, 6))],
    ],
    [
      'an exchange of which a capture gives back more than it took',
      [...threeCents(), reversalOf(hold, idOf(3, 5), 2n), reversalOf(second, idOf(3, 6))],
    ],
    ['back-dated', [moveOf(first, alice, bob, 1n, { effectiveAt: 7n })]],
    [
      'beside settings of the ledger',
      [
        { kind: 'add-currency', code: 'PTS', exponent: 0, name: 'Points' },
        { kind: 'set-exchange-rate', from: 'EUR', to: 'PTS', rate: '2' },
        { kind: 'close-period', through: '2026-01-01', closedBefore: 5n },
      ],
    ],
  ])('%s has no difference', (_, commands) => {
    expect(firstDifference(historyOf(...commands))).toBeNull();
  });

  type Change = (event: DomainEvent) => DomainEvent;
  const changing =
    (type: DomainEvent['type'], transaction: (t: Transaction) => Partial<Transaction>): Change =>
    (event) =>
      event.type === type && isTransactionEvent(event)
        ? { ...event, transaction: { ...event.transaction, ...transaction(event.transaction) } }
        : event;
  const telling =
    (type: DomainEvent['type'], progress: (p: Progress) => Partial<Progress>, which = 0): Change =>
    (event) => {
      if (event.type !== type) return event;
      if ('progress' in event)
        return { ...event, progress: { ...event.progress, ...progress(event.progress) } };
      if (!('progressed' in event)) return event;
      const progressed = event.progressed.map((each, index) =>
        index === which ? { ...each, progress: { ...each.progress, ...progress(each.progress) } } : each,
      );
      return { ...event, progressed };
    };
  const eachLeg = (changes: (leg: Leg) => Partial<Leg>) => (transaction: Transaction) => ({
    legs: transaction.legs.map((leg) => ({ ...leg, ...changes(leg) })),
  });
  const captured = () => [holdOf(hold, alice, bob, 100n), captureOf(hold, first, 30n)];
  const reversed = () => [...captured(), reversalOf(first, second, 10n)];

  it.each<[string, LedgerCommand[], Change, string]>([
    [
      'a hold that is captured from the beginning',
      captured(),
      telling('transaction.pending', () => ({ captured: [1n] })),
      'progress',
    ],
    [
      'a hold of another status',
      captured(),
      telling('transaction.pending', () => ({ status: 'posted' })),
      'progress',
    ],
    [
      'a hold that moves posted money',
      captured(),
      changing(
        'transaction.pending',
        eachLeg(({ posted }) => ({ posted: posted - 1n })),
      ),
      'leg 1: balances',
    ],
    [
      'a capture that says it captured more',
      captured(),
      telling('transaction.captured', () => ({ captured: [31n] })),
      'progress',
    ],
    [
      'a capture that is not counted',
      captured(),
      telling('transaction.captured', () => ({ captures: 0 })),
      'progress',
    ],
    [
      'a capture that ends the hold without releasing the rest',
      captured(),
      telling('transaction.captured', () => ({ status: 'posted' })),
      'progress',
    ],
    [
      'a capture that tells of another hold',
      captured(),
      changing('transaction.captured', () => ({ parentId: second })),
      'whose progress is told',
    ],
    [
      'a capture that reverses at once',
      captured(),
      telling('transaction.captured', () => ({ reversed: [1n] })),
      'progress',
    ],
    [
      'a last capture that releases less than is left',
      [holdOf(hold, alice, bob, 100n), captureOf(hold, first, 30n, true)],
      changing('transaction.captured', ({ legs }) => ({
        legs: legs.map((leg) => {
          const pending = leg.direction === 'debit' ? { pendingOut: 1n } : { pendingIn: 1n };
          return { ...leg, ...pending, released: 69n, available: leg.posted - (pending.pendingOut ?? 0n) };
        }),
      })),
      'what is released',
    ],
    [
      'a reversal that says it gave back more',
      reversed(),
      telling('transaction.reversed', () => ({ reversed: [11n] })),
      'what is given back',
    ],
    [
      'a reversal that its hold does not know',
      reversed(),
      telling('transaction.reversed', () => ({ reversed: [9n] }), 1),
      'what is given back',
    ],
    [
      'a reversal under another id',
      reversed(),
      telling('transaction.reversed', () => ({ reversals: [third] })),
      'progress',
    ],
    [
      'a reversal of what is not there',
      reversed(),
      changing('transaction.reversed', () => ({ reverses: third })),
      'whose progress is told',
    ],
    [
      'a reversal that tells its capture alone',
      reversed(),
      (event) =>
        event.type === 'transaction.reversed'
          ? { ...event, progressed: event.progressed.slice(0, 1) }
          : event,
      'whose progress is told',
    ],
    [
      'shares that are not those of its legs',
      [several(first), reversalOf(first, second)],
      telling('transaction.reversed', () => ({ reversed: [10n, 1n, 4n] })),
      'no more is given back than taken',
    ],
    [
      'an end that releases less than is left',
      [...captured(), voidOf(hold)],
      changing('transaction.voided', ({ legs }) => ({
        legs: legs.map((leg) => {
          const pending = leg.direction === 'debit' ? { pendingOut: 1n } : { pendingIn: 1n };
          return { ...leg, amount: 69n, ...pending, available: leg.posted - (pending.pendingOut ?? 0n) };
        }),
      })),
      'what is released',
    ],
    [
      'an end that tells another time as that of the hold',
      [...captured(), voidOf(hold)],
      changing('transaction.voided', () => ({ made: { position: 4n, recordedAt: startedAt } })),
      'where the hold was made',
    ],
    [
      'an end that tells another amount as held',
      [...captured(), voidOf(hold)],
      changing('transaction.voided', () => ({ held: [99n] })),
      'what was held',
    ],
    [
      'an end that forgets what was captured',
      [...captured(), voidOf(hold)],
      telling('transaction.voided', () => ({ captured: [0n] })),
      'progress',
    ],
    [
      'an extension to an earlier time',
      [holdOf(hold, alice, bob, 100n, 9_000_000n), extensionOf(hold, 9_000_001n)],
      telling('transaction.extended', () => ({ expiresAt: 8_000_000n })),
      'it ends later',
    ],
    [
      'a reversal of an exchange that gives back more than its hold counts',
      [...threeCents(), reversalOf(hold, idOf(3, 5), 2n)],
      telling('transaction.reversed', ({ reversed }) => ({ reversed: [reversed[0]!, reversed[1]! - 1n] })),
      'what is given back',
    ],
    [
      'an exchange at another rate',
      [exchange(first)],
      changing('transaction.posted', () => ({ exchanges: [{ posting: 0, rate: '160' }] })),
      'exchanged amount',
    ],
  ])('does not hide %s', (_, commands, change, subject) => {
    const events = historyOf(...commands);
    expect(firstDifference(events)).toBeNull();
    expect(firstDifference(events.map(change))?.[0]).toBe(subject);
  });

  it.each<[string, () => DomainEvent[], string]>([
    [
      'a capture of an ended hold',
      () => {
        const end = historyOf(holdOf(hold, alice, bob, 100n), captureOf(hold, first));
        const capture = end.at(-1)!;
        if (!isTransactionEvent(capture)) throw new Error('no capture');
        return [
          ...end,
          { ...capture, transaction: { ...capture.transaction, transactionId: second, legs: [] } },
        ];
      },
      'progress',
    ],
    [
      'a currency twice',
      () => {
        const added: DomainEvent = { type: 'currency.added', code: 'PTS', exponent: 0, name: 'Points' };
        return [added, added];
      },
      'currency added once',
    ],
    [
      'a currency of ISO 4217',
      () => [{ type: 'currency.added', code: 'EUR', exponent: 2, name: 'Euro' }],
      'currency added once',
    ],
  ])('does not hide %s', (_, events, subject) => {
    expect(firstDifference(events())?.[0]).toBe(subject);
  });
});

describe('after an erased event of the life of a transaction', () => {
  const life = () =>
    historyOf(
      holdOf(hold, alice, bob, 100n, 9_000_000n),
      captureOf(hold, first, 30n),
      extensionOf(hold, 9_000_001n),
      captureOf(hold, second, 20n),
      reversalOf(first, third, 10n),
      reversalOf(hold, idOf(3, 5), 5n),
      voidOf(hold),
      reversalOf(hold, idOf(3, 6), 5n),
    );
  const positions = [4, 5, 6, 7, 8, 9, 10, 11];

  it.each(positions)('what follows is taken as it is told: %i', (position) => {
    expect(firstDifference(life(), [position])).toBeNull();
  });

  it('whatever is erased besides', () => {
    for (const one of positions) {
      for (const other of positions) expect(firstDifference(life(), [one, other])).toBeNull();
    }
    expect(firstDifference(life(), positions)).toBeNull();
  });

  it('what follows from what is known is checked again', () => {
    const wrong = life().map((event) =>
      event.type === 'transaction.voided'
        ? { ...event, progress: { ...event.progress, captures: 1 } }
        : event,
    );
    expect(firstDifference(wrong, [5])).toEqual(['progress', 10n]);
  });
});
