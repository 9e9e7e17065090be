import fc from 'fast-check';
import { anyText, legFields, transferFields } from '../../../test/support/arbitrary-transfers.js';
import {
  accountWith,
  captureOf,
  draftOf,
  extensionOf,
  expiryOf,
  holdOf,
  idOf,
  moveOf,
  reversalOf,
  stateOf,
  voidOf,
} from '../../../test/support/ledger-fixtures.js';
import {
  decide,
  evolve,
  unboundCaller,
  type DomainEvent,
  type LedgerCommand,
  type LedgerState,
  type Leg,
  type Transaction,
} from '#domain';
import { encodeTransaction } from './encoded-parts.js';
import {
  decodeEvent,
  effectiveAtOf,
  encodeEventData,
  transactionIdOf,
  UnknownEventVersion,
  versionOf,
} from './event-codec.js';

const account = accountWith(idOf(1, 1), 10n ** 36n, {
  minBalance: -(10n ** 36n),
  maxBalance: null,
  externalId: 'x',
  metadata: { a: [1, { b: null }] },
  createdAt: 1_700_000_000_000_001n,
  updatedAt: 1_700_000_000_999_999n,
});

function postedEvent(amount = 7n): DomainEvent {
  const accounts = [account, accountWith(idOf(1, 2), 0n, { ownerId: 'o', visibility: 'public' })];
  const draft = draftOf(idOf(2, 1), [{ sender: accounts[0]!.id, recipient: accounts[1]!.id, amount }], {
    reference: 'é',
    metadata: { n: 1 },
  });
  const decision = decide({ kind: 'create-transaction', draft }, stateOf(accounts), unboundCaller);
  if (!decision.accepted) throw new Error('refused');
  return decision.events[0]!;
}

const [alice, bob, carol] = [idOf(1, 11), idOf(1, 12), idOf(1, 13)] as const;

/** The last event of the last command, after those before it. */
function lastEventOf(...commands: LedgerCommand[]): DomainEvent {
  const accounts = [
    accountWith(alice, 1_000n),
    accountWith(bob, 0n),
    accountWith(carol, 0n, { currency: 'JPY' }),
  ];
  const rate = { from: 'EUR', to: 'JPY', rate: '160.5' };
  const state: LedgerState = stateOf(accounts, { exchangeRates: [rate] });
  let last: DomainEvent | undefined;
  for (const command of commands) {
    const decision = decide(command, state, unboundCaller);
    if (!decision.accepted) throw new Error(decision.refusal.code);
    for (const event of decision.events) evolve(state, event);
    last = decision.events.at(-1);
  }
  return last!;
}

const hold = (expiresAt: bigint | null = null) => holdOf(idOf(2, 1), alice, bob, 100n, expiresAt);
const exchanged = moveOf(idOf(2, 1), alice, carol, 100n);

describe('the text of an event', () => {
  it.each<[DomainEvent['type'], string, DomainEvent]>([
    ['account.opened', '', { type: 'account.opened', account }],
    ['account.updated', '', { type: 'account.updated', account: { ...account, maxBalance: 0n } }],
    ['account.closed', '', { type: 'account.closed', account: { ...account, status: 'closed' } }],
    ['transaction.posted', '', postedEvent()],
    ['transaction.posted', 'of more than a number can hold', postedEvent(2n ** 53n + 1n)],
    [
      'transaction.posted',
      'back-dated',
      lastEventOf(moveOf(idOf(2, 1), alice, bob, 1n, { effectiveAt: 7n })),
    ],
    ['transaction.posted', 'an exchange', lastEventOf(exchanged)],
    ['transaction.pending', '', lastEventOf(hold())],
    ['transaction.pending', 'with an end', lastEventOf(hold(3_000_001n))],
    ['transaction.captured', 'in part', lastEventOf(hold(), captureOf(idOf(2, 1), idOf(2, 2), 30n))],
    ['transaction.captured', 'the last', lastEventOf(hold(), captureOf(idOf(2, 1), idOf(2, 2), 30n, true))],
    ['transaction.reversed', '', lastEventOf(exchanged, reversalOf(idOf(2, 1), idOf(2, 2), null, 'wrong'))],
    [
      'transaction.reversed',
      'of a capture',
      lastEventOf(hold(), captureOf(idOf(2, 1), idOf(2, 2), 30n), reversalOf(idOf(2, 2), idOf(2, 3), 10n)),
    ],
    [
      'transaction.voided',
      '',
      lastEventOf(hold(), captureOf(idOf(2, 1), idOf(2, 2), 30n), voidOf(idOf(2, 1))),
    ],
    ['transaction.expired', '', lastEventOf(hold(2_000_001n), expiryOf(idOf(2, 1)))],
    ['transaction.extended', '', lastEventOf(hold(3_000_000n), extensionOf(idOf(2, 1), 4_000_000n))],
    ['exchange-rate.set', '', { type: 'exchange-rate.set', from: 'EUR', to: 'USD', rate: '1.0837' }],
    ['currency.added', '', { type: 'currency.added', code: 'PTS', exponent: 0, name: 'Points' }],
    ['period.closed', '', { type: 'period.closed', through: '2026-01-31', closedBefore: 7_000_001n }],
  ])('%s %s comes back as it was', (type, _, event) => {
    expect(decodeEvent({ type, version: versionOf(event), dataText: encodeEventData(event) })).toEqual(event);
  });

  it('is of a version that an earlier release stops at where that would read it as less than it is', () => {
    const plain = postedEvent();
    if (plain.type !== 'transaction.posted') throw new Error('it was not posted');
    expect(versionOf(plain)).toBe(1);
    expect(versionOf(lastEventOf(exchanged))).toBe(2);
    expect(versionOf({ ...plain, transaction: { ...plain.transaction, effectiveAt: 1n } })).toBe(2);
  });

  it('has amounts and times as strings', () => {
    const text = encodeEventData({ type: 'account.opened', account });
    expect(JSON.parse(text)).toMatchObject({
      account: {
        postedCredits: `1${'0'.repeat(36)}`,
        minBalance: `-1${'0'.repeat(36)}`,
        maxBalance: null,
        createdAt: '2023-11-14T22:13:20.000001Z',
        updatedAt: '2023-11-14T22:13:20.999999Z',
        version: 1,
      },
    });
    const { legs } = JSON.parse(encodeEventData(postedEvent())) as { legs: Record<string, unknown>[] };
    expect(legs[1]).toEqual({
      leg: 2,
      accountId: idOf(1, 2),
      system: null,
      ownerId: 'o',
      visibility: 'public',
      direction: 'credit',
      amount: '7',
      currency: 'EUR',
      posted: '7',
      pendingIn: '0',
      pendingOut: '0',
      available: '7',
      version: 2,
      entryNumber: 1,
    });
  });

  it('of a plain transfer is what earlier releases wrote, to the byte', () => {
    const draft = moveOf(idOf(2, 1), alice, bob, 7n, { reference: 'é', externalId: 'x', metadata: { n: 1 } });
    expect(encodeEventData(lastEventOf(draft))).toBe(
      '{"transactionId":"00000002-0000-7000-8000-000000000001","type":"transfer","reference":"é","externalId":"x",' +
        '"metadata":{"n":1},"legs":[{"leg":1,"accountId":"00000001-0000-7000-8000-00000000000b","system":null,' +
        '"ownerId":null,"visibility":"private","direction":"debit","amount":"7","currency":"EUR","posted":"993",' +
        '"pendingIn":"0","pendingOut":"0","available":"993","version":2,"entryNumber":1},{"leg":2,' +
        '"accountId":"00000001-0000-7000-8000-00000000000c","system":null,"ownerId":null,"visibility":"private",' +
        '"direction":"credit","amount":"7","currency":"EUR","posted":"7","pendingIn":"0","pendingOut":"0",' +
        '"available":"7","version":2,"entryNumber":1}]}',
    );
  });

  it.each<[string, DomainEvent, object]>([
    [
      'a hold',
      lastEventOf(hold(3_000_001n)),
      {
        progress: {
          status: 'pending',
          expiresAt: '1970-01-01T00:00:03.000001Z',
          captured: ['0'],
          captures: 0,
          reversed: ['0'],
          reversals: [],
        },
      },
    ],
    [
      'a hold that ends',
      lastEventOf(hold(), voidOf(idOf(2, 1))),
      { held: ['100'], progress: { status: 'voided', expiresAt: null } },
    ],
    [
      'a capture',
      lastEventOf(hold(), captureOf(idOf(2, 1), idOf(2, 2), 30n, true)),
      {
        type: 'capture',
        parentId: idOf(2, 1),
        legs: [
          { amount: '30', released: '70' },
          { amount: '30', released: '70' },
        ],
        progressed: [
          { transactionId: idOf(2, 1), progress: { status: 'posted', captured: ['30'], captures: 1 } },
        ],
      },
    ],
    [
      'a reversal of an exchange',
      lastEventOf(exchanged, reversalOf(idOf(2, 1), idOf(2, 2), null, 'wrong')),
      {
        type: 'reversal',
        exchanges: [{ posting: 0, rate: '160.5' }],
        reverses: idOf(2, 1),
        reason: 'wrong',
        progressed: [
          { transactionId: idOf(2, 1), progress: { reversed: ['100', '160'], reversals: [idOf(2, 2)] } },
        ],
      },
    ],
    [
      'a reversal without a reason',
      lastEventOf(exchanged, reversalOf(idOf(2, 1), idOf(2, 2))),
      { reverses: idOf(2, 1), reason: null },
    ],
    [
      'what is back-dated',
      lastEventOf(moveOf(idOf(2, 1), alice, bob, 1n, { effectiveAt: 7n })),
      { effectiveAt: '1970-01-01T00:00:00.000007Z' },
    ],
    [
      'a closed period',
      { type: 'period.closed', through: '2026-01-31', closedBefore: 7_000_001n },
      { through: '2026-01-31', closedBefore: '1970-01-01T00:00:07.000001Z' },
    ],
  ])('of %s has what is told of it alone', (_, event, parts) => {
    expect(JSON.parse(encodeEventData(event))).toMatchObject(parts);
  });

  it('is null once erased', () => {
    expect(decodeEvent({ type: 'account.opened', version: 1, dataText: null })).toBeNull();
  });

  it.each([
    ['account.opened', 2],
    ['transaction.pending', 2],
    ['transaction.split', 1],
    ['toString', 1],
  ])('of a type or version of a later release is refused: %s %i', (type, version) => {
    expect(() => decodeEvent({ type, version, dataText: '{}' })).toThrow(UnknownEventVersion);
    expect(() => decodeEvent({ type, version, dataText: null })).toThrow(UnknownEventVersion);
  });
});

describe('the columns of an event', () => {
  it.each<[string, DomainEvent, string | null, bigint]>([
    ['an account', { type: 'account.opened', account }, null, 9n],
    ['a transfer', lastEventOf(moveOf(idOf(2, 1), alice, bob, 1n)), idOf(2, 1), 9n],
    [
      'a back-dated transfer',
      lastEventOf(moveOf(idOf(2, 1), alice, bob, 1n, { effectiveAt: 7n })),
      idOf(2, 1),
      7n,
    ],
    ['a capture', lastEventOf(hold(), captureOf(idOf(2, 1), idOf(2, 2))), idOf(2, 2), 9n],
    ['the end of a hold', lastEventOf(hold(), voidOf(idOf(2, 1))), idOf(2, 1), 9n],
    ['a rate', { type: 'exchange-rate.set', from: 'EUR', to: 'USD', rate: '1' }, null, 9n],
  ])(
    'say of which transaction it is, and since when it counts: %s',
    (_, event, transactionId, effectiveAt) => {
      expect([transactionIdOf(event), effectiveAtOf(event, 9n)]).toEqual([transactionId, effectiveAt]);
    },
  );
});

it('a transfer written field by field is what JSON.stringify makes of it', () => {
  const leg: fc.Arbitrary<Leg> = fc.record({
    ...legFields,
    leg: fc.nat(),
    accountId: fc.uuid(),
    ownerId: anyText,
    currency: fc.constantFrom('EUR', 'NULL'),
  });
  const transfer: fc.Arbitrary<Transaction> = fc.record({
    ...transferFields,
    legs: fc.array(leg, { maxLength: 4 }),
  });
  // A field that is new to transactions has to be thought of here.
  const notOfTransfers = {
    exchanges: true,
    effectiveAt: true,
    held: true,
    made: true,
    parentId: true,
    reverses: true,
    reason: true,
  } satisfies Record<
    Exclude<keyof Transaction, 'transactionId' | 'type' | 'reference' | 'externalId' | 'metadata' | 'legs'>,
    true
  >;
  fc.assert(
    fc.property(transfer, (transaction) => {
      expect(Object.keys(transaction).filter((field) => field in notOfTransfers)).toEqual([]);
      const written = encodeEventData({ type: 'transaction.posted', transaction });
      expect(written).toBe(JSON.stringify(encodeTransaction(transaction)));
    }),
  );
});
