import {
  storedProgress,
  storedTransaction,
  uuid,
  type StoredPosting,
} from '../../../test/support/journal-records.js';
import type { TransactionState } from './postings.js';
import type { ProgressState } from './progress.js';
import { renderErasedTransaction, renderTransaction } from './transaction.js';
import { accountIdOf, transactionIdOf } from './type-ids.js';

const recorded = { position: 17n, recordedAt: '2026-01-31T09:15:27.482913Z' };
const expiresAt = '2026-02-07T10:00:00.000000Z';
const [alice, bob, carol] = [{ accountId: uuid(1) }, { accountId: uuid(2) }, { accountId: uuid(3) }] as const;
const euros = { accountId: uuid(8), system: 'EXCHANGE' };
const dollars = { accountId: uuid(9), system: 'EXCHANGE' };
const [first, second] = [uuid(0xa1), uuid(0xa2)] as const;

/** A transaction of these postings, as an event stores it. */
const stateOf = (postings: readonly StoredPosting[], changes: object = {}) =>
  storedTransaction(postings, { ...changes }) as unknown as TransactionState;
const progressOf = (changes: object = {}) => storedProgress({ ...changes }) as ProgressState;

const render = (
  transaction: TransactionState,
  progress: ProgressState | null = null,
  hold: ProgressState | null = null,
  withBalances = false,
) => renderTransaction(transaction, recorded, { progress, hold, withBalances }, { ownerId: null });

const oneOf = (amount: string): StoredPosting[] => [{ sender: alice, recipient: bob, amount }];
const twoOf = (a: string, b: string): StoredPosting[] => [
  { sender: alice, recipient: bob, amount: a },
  { sender: alice, recipient: carol, amount: b },
];
/** 100 EUR for 108 USD. */
const changed: StoredPosting[] = [
  { sender: alice, recipient: euros, amount: '100' },
  { sender: dollars, recipient: bob, amount: '108', currency: 'USD' },
];
const exchanges = [{ posting: 0, rate: '1.0837' }];
const mixed: StoredPosting[] = [
  { sender: alice, recipient: bob, amount: '100' },
  { sender: alice, recipient: bob, amount: '50', currency: 'USD' },
];

describe('the fields of a transaction', () => {
  const common = [
    ...['id', 'type', 'status', 'sender', 'recipient', 'amount', 'currency', 'reference', 'externalId'],
    ...['metadata', 'postings', 'meta'],
  ];
  const place = ['effectiveAt', 'position', 'createdAt'];

  it.each<[string, object, string[]]>([
    ['a transfer', render(stateOf(oneOf('1'))), ['reversedAmount', 'reversals']],
    [
      'a hold',
      render(stateOf(oneOf('100')), progressOf()),
      ['expiresAt', 'capturedAmount', 'remainingAmount', 'reversedAmount', 'reversals'],
    ],
    [
      'a capture',
      render(stateOf(oneOf('100'), { type: 'capture', parentId: first }), null, progressOf()),
      ['parentId', 'hold', 'reversedAmount', 'reversals'],
    ],
    [
      'a reversal',
      render(stateOf(oneOf('100'), { type: 'reversal', reverses: first, reason: null })),
      ['reverses', 'reason'],
    ],
  ])('are, of %s, in this order', (_, rendered, own) => {
    expect(Object.keys(rendered)).toEqual([...common, ...own, ...place]);
  });

  it('have the balances before its place, where they are shown', () => {
    const rendered = render(stateOf(oneOf('1')), null, null, true);
    expect(Object.keys(rendered).slice(-4)).toEqual(['effectiveAt', 'balances', 'position', 'createdAt']);
  });

  it('say when it took effect: when it was recorded, or before', () => {
    expect(render(stateOf(oneOf('1')))).toMatchObject({ effectiveAt: recorded.recordedAt });
    const effectiveAt = '2025-12-31T23:00:00.000000Z';
    expect(render(stateOf(oneOf('1'), { effectiveAt }))).toMatchObject({
      effectiveAt,
      createdAt: recorded.recordedAt,
    });
  });
});

describe('a hold', () => {
  const held = (changes: object = {}) => progressOf({ expiresAt, ...changes });
  const partly = { status: 'partially_captured', captured: ['60'], captures: 1 };

  it.each<[string, TransactionState, ProgressState, object]>([
    [
      'just made',
      stateOf(oneOf('100')),
      held(),
      { status: 'pending', expiresAt, capturedAmount: '0', remainingAmount: '100' },
    ],
    [
      'without an end',
      stateOf(oneOf('100')),
      held({ expiresAt: null }),
      { status: 'pending', expiresAt: null },
    ],
    [
      'captured in part',
      stateOf(oneOf('100')),
      held(partly),
      { status: 'partially_captured', amount: '100', capturedAmount: '60', remainingAmount: '40' },
    ],
    [
      'captured, the rest released',
      stateOf(oneOf('100')),
      held({ ...partly, status: 'posted' }),
      { status: 'posted', capturedAmount: '60', remainingAmount: '0' },
    ],
    [
      'voided after a capture, told by the event that released the rest',
      stateOf(oneOf('40'), { held: ['100'] }),
      held({ ...partly, status: 'voided' }),
      {
        status: 'voided',
        amount: '100',
        postings: [{ amount: '100' }],
        capturedAmount: '60',
        remainingAmount: '0',
      },
    ],
    [
      'expired',
      stateOf(oneOf('100'), { held: ['100'] }),
      held({ status: 'expired' }),
      { status: 'expired', capturedAmount: '0', remainingAmount: '0' },
    ],
    [
      'extended, told by an event that moves nothing',
      stateOf(oneOf('0'), { held: ['100'] }),
      held(partly),
      { status: 'partially_captured', amount: '100', remainingAmount: '40' },
    ],
    [
      'given back in part after its capture',
      stateOf(oneOf('100')),
      held({ ...partly, status: 'posted', reversed: ['25'], reversals: [first] }),
      { reversedAmount: '25', reversals: [transactionIdOf(first)] },
    ],
    [
      'of several postings',
      stateOf(twoOf('100', '7')),
      held({ status: 'posted', captured: ['100', '7'], captures: 1, reversed: ['10', '1'] }),
      { amount: null, capturedAmount: '107', remainingAmount: '0', reversedAmount: '11' },
    ],
    [
      'of several postings that are still held',
      stateOf(twoOf('100', '7')),
      held({ captured: ['0', '0'], reversed: ['0', '0'] }),
      { capturedAmount: '0', remainingAmount: '107', reversedAmount: '0' },
    ],
    [
      'of several currencies',
      stateOf(mixed),
      held({ status: 'voided', captured: ['0', '0'], reversed: ['0', '0'] }),
      { amount: null, capturedAmount: null, remainingAmount: null, reversedAmount: null },
    ],
    [
      "of an exchange, in the sender's currency",
      stateOf(changed, { type: 'exchange', exchanges }),
      held({ ...partly, captured: ['60', '65'], reversed: ['20', '22'] }),
      { amount: '100', currency: 'EUR', capturedAmount: '60', remainingAmount: '40', reversedAmount: '20' },
    ],
  ])('%s', (_, transaction, progress, shown) => {
    expect(render(transaction, progress)).toMatchObject(shown);
  });

  it('keeps every digit', () => {
    const most = '9'.repeat(36);
    const progress = held({ ...partly, captured: ['1'] });
    expect(render(stateOf(oneOf(most)), progress)).toMatchObject({
      amount: most,
      remainingAmount: `${'9'.repeat(35)}8`,
    });
  });

  it('is the same from the bigints of the ledger as from what an event stores', () => {
    const stored = stateOf(twoOf('100', '7'));
    const live = {
      ...stored,
      legs: stored.legs.map((leg) => ({ ...leg, amount: BigInt(leg.amount), posted: BigInt(leg.posted) })),
    };
    const progress = held({ captured: ['0', '0'], reversed: ['0', '0'] });
    const liveProgress = { ...progress, captured: [0n, 0n], reversed: [0n, 0n] };
    expect(render(live, liveProgress, null, true)).toEqual(render(stored, progress, null, true));
  });
});

describe('a capture', () => {
  const capture = stateOf(oneOf('60'), { type: 'capture', parentId: first });
  const of = (captured: string, reversed: string, reversals: string[] = []) =>
    progressOf({
      status: 'partially_captured',
      captured: [captured],
      captures: 1,
      reversed: [reversed],
      reversals,
    });
  const own = (reversed: string, reversals: string[]) =>
    progressOf({ status: 'posted', captured: [], reversed: [reversed], reversals });

  it.each<[string, ProgressState | null, ProgressState, object]>([
    ['the only one', null, of('60', '0'), { reversedAmount: '0', reversals: [] }],
    [
      'given back itself',
      own('25', [second]),
      of('60', '25', [second]),
      { reversedAmount: '25', reversals: [transactionIdOf(second)] },
    ],
    [
      'whose hold was given back',
      null,
      of('60', '25', [second]),
      { reversedAmount: '25', reversals: [transactionIdOf(second)] },
    ],
    // 100 were captured in all: of the 90 that were given back, 40 may be the other capture's.
    ['beside another one', null, of('100', '90', [second]), { reversedAmount: '50' }],
    ['made after the earlier ones were given back', null, of('100', '40', [second]), { reversedAmount: '0' }],
  ])('%s', (_, progress, hold, shown) => {
    expect(render(capture, progress, hold)).toMatchObject({
      type: 'capture',
      status: 'posted',
      parentId: transactionIdOf(first),
      ...shown,
    });
  });
});

describe('the hold of a capture', () => {
  const capture = (postings: readonly StoredPosting[], held: string[], changes: object = {}) =>
    stateOf(postings, { type: 'capture', parentId: first, held, ...changes });
  const hold = (status: string, captured: string[]) =>
    progressOf({ status, captured, captures: 1, reversed: captured.map(() => '0'), expiresAt });

  it.each<[string, TransactionState, ProgressState, object]>([
    [
      'is told with the capture: so much is still held',
      capture(oneOf('60'), ['100']),
      hold('partially_captured', ['60']),
      { status: 'partially_captured', capturedAmount: '60', remainingAmount: '40' },
    ],
    [
      'holds nothing any more after the last',
      capture(oneOf('60'), ['100']),
      hold('posted', ['60']),
      { status: 'posted', capturedAmount: '60', remainingAmount: '0' },
    ],
    [
      'of an exchange is counted in the currency of the sender',
      capture(changed, ['150', '163'], { exchanges }),
      hold('partially_captured', ['100', '108']),
      { status: 'partially_captured', capturedAmount: '100', remainingAmount: '50' },
    ],
  ])('%s', (_, transaction, progress, told) => {
    expect(render(transaction, null, progress)).toMatchObject({ hold: { expiresAt, ...told } });
  });

  it('leaves the amounts of the capture as they are', () => {
    const shown = render(capture(oneOf('60'), ['100']), null, hold('posted', ['60']));
    expect(shown).toMatchObject({ amount: '60', postings: [{ amount: '60' }] });
  });
});

it('a hold stands where it was made, whichever of its events tells of it', () => {
  const made = { position: '9', recordedAt: '2026-01-30T08:00:00.000000Z' };
  const voided = stateOf(oneOf('40'), { held: ['100'], made });
  const shown = render(voided, progressOf({ status: 'voided', captured: ['60'], captures: 1 }));
  expect(shown).toMatchObject({
    position: '9',
    createdAt: made.recordedAt,
    effectiveAt: made.recordedAt,
    amount: '100',
  });
});

describe('what was given back', () => {
  it.each<[string, TransactionState, ProgressState | null, object]>([
    ['nothing', stateOf(oneOf('100')), null, { reversedAmount: '0', reversals: [] }],
    ['nothing of several currencies', stateOf(mixed), null, { reversedAmount: null, reversals: [] }],
    [
      'parts, by several',
      stateOf(twoOf('100', '7')),
      progressOf({ status: 'posted', captured: [], reversed: ['20', '2'], reversals: [first, second] }),
      {
        status: 'posted',
        reversedAmount: '22',
        reversals: [transactionIdOf(first), transactionIdOf(second)],
      },
    ],
    [
      'a part of an exchange',
      stateOf(changed, { type: 'exchange', exchanges }),
      progressOf({ status: 'posted', captured: [], reversed: ['25', '27'], reversals: [first] }),
      { reversedAmount: '25' },
    ],
  ])('%s', (_, transaction, progress, shown) => {
    const rendered = render(transaction, progress);
    expect(rendered).toMatchObject(shown);
    expect(rendered).not.toHaveProperty('capturedAmount');
  });

  it.each(['Returned', null])('is a transaction that says of what, and why: %s', (reason) => {
    const rendered = render(stateOf(oneOf('25'), { type: 'reversal', reverses: first, reason }));
    expect(rendered).toMatchObject({ status: 'posted', reverses: transactionIdOf(first), reason });
  });
});

describe('an exchange', () => {
  const exchangeOf = (postings: StoredPosting[], changes: object = {}) =>
    render(stateOf(postings, { type: 'exchange', exchanges, ...changes }));
  const rounding = 'half-even';

  it('keeps what was asked for, and shows its two postings through EXCHANGE', () => {
    expect(exchangeOf(changed)).toMatchObject({
      sender: accountIdOf(uuid(1)),
      recipient: accountIdOf(uuid(2)),
      amount: '100',
      currency: 'EUR',
      postings: [
        { sender: accountIdOf(uuid(1)), recipient: 'EXCHANGE', amount: '100', currency: 'EUR' },
        { sender: 'EXCHANGE', recipient: accountIdOf(uuid(2)), amount: '108', currency: 'USD' },
      ],
      meta: { exchangeRate: '1.0837', convertedAmount: '108', rounding },
    });
  });

  it('given back is between the same two, the other way, in the same currency', () => {
    const back = [
      { sender: euros, recipient: alice, amount: '25' },
      { sender: bob, recipient: dollars, amount: '27', currency: 'USD' },
    ];
    expect(exchangeOf(back, { type: 'reversal', reverses: first, reason: null })).toMatchObject({
      sender: accountIdOf(uuid(2)),
      recipient: accountIdOf(uuid(1)),
      amount: '25',
      currency: 'EUR',
      postings: [{ sender: 'EXCHANGE' }, { recipient: 'EXCHANGE' }],
      meta: { exchangeRate: '1.0837', convertedAmount: '27', rounding },
    });
  });

  it('captured in part shows that part', () => {
    const part = [
      { sender: alice, recipient: euros, amount: '60' },
      { sender: dollars, recipient: bob, amount: '65', currency: 'USD' },
    ];
    const capture = stateOf(part, { type: 'capture', exchanges, parentId: first });
    const hold = progressOf({ captured: ['100', '108'], reversed: ['50', '54'], reversals: [second] });
    expect(render(capture, null, hold)).toMatchObject({
      amount: '60',
      recipient: accountIdOf(uuid(2)),
      meta: { convertedAmount: '65' },
      reversedAmount: '10',
    });
  });

  it.each<[string, StoredPosting[], object[], object]>([
    ['no other posting', changed, exchanges, { exchangeRate: '1.0837', convertedAmount: '108', rounding }],
    [
      'another posting before it',
      [...oneOf('5'), ...changed],
      [{ posting: 1, rate: '1.0837' }],
      { exchangeRate: '1.0837', convertedAmount: '108', rounding },
    ],
    [
      'another exchange behind it',
      [...changed, ...oneOf('5'), ...changed],
      [
        { posting: 0, rate: '1.0837' },
        { posting: 3, rate: '1.5' },
      ],
      {
        exchanges: [
          { posting: 0, exchangeRate: '1.0837', convertedAmount: '108' },
          { posting: 3, exchangeRate: '1.5', convertedAmount: '108' },
        ],
        rounding,
      },
    ],
    ['none at all', oneOf('5'), [], {}],
  ])('says at which rate and to what, with %s', (_, postings, stored, meta) => {
    const rendered = exchangeOf(postings, { exchanges: stored });
    expect(rendered).toMatchObject({
      amount: postings.length - stored.length === 1 ? postings[0]!.amount : null,
    });
    expect(rendered.meta).toEqual(meta);
  });
});

describe('a transaction whose data was erased', () => {
  it.each([
    ['still says when it took effect', { ...recorded, effectiveAt: expiresAt }, null, 'posted', expiresAt],
    ['and how far it has come', recorded, progressOf({ status: 'voided' }), 'voided', recorded.recordedAt],
  ])('%s', (_, place, progress, status, effectiveAt) => {
    expect(renderErasedTransaction(first, place, progress)).toMatchObject({
      id: transactionIdOf(first),
      type: null,
      status,
      postings: [],
      effectiveAt,
      position: '17',
    });
  });
});
