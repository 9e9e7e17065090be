import fc from 'fast-check';
import { anyAmount, anyText, legFields, transferFields } from '../../../test/support/arbitrary-transfers.js';
import { uuid } from '../../../test/support/journal-records.js';
import type { Leg, TransactionState } from './postings.js';
import type { ProgressState } from './progress.js';
import { transactionText } from './transaction-text.js';
import { renderTransaction } from './transaction.js';

const time = '2026-01-31T09:15:27.482913Z';

/** The leg's number and account are said by where it stands. */
const side: fc.Arbitrary<Omit<Leg, 'leg' | 'accountId'>> = fc.record({
  ...legFields,
  ownerId: fc.constantFrom(null, 'alice', 'bob'),
  currency: fc.constantFrom('EUR', 'EUR', 'EUR', 'USD'),
});
/** Of few accounts, so that now and then one is on both sides. */
const account = fc.constantFrom(...[1, 2, 3, 4].map((n) => uuid(n)));

const legsOf = (postings: fc.ArrayConstraints) =>
  fc.array(fc.tuple(side, account, side, account), postings).map((all): Leg[] =>
    all.flatMap(([debit, from, credit, to], index) => [
      { ...debit, leg: 2 * index + 1, accountId: from },
      { ...credit, leg: 2 * index + 2, accountId: to },
    ]),
  );

const transfer = {
  ...transferFields,
  legs: legsOf({ minLength: 1, maxLength: 1 }),
};
// A field that is new to transactions has to be thought of here.
const more = {
  exchanges: fc.constant([{ posting: 0, rate: '1.5' }]),
  effectiveAt: fc.constant('2025-12-31T00:00:00.000000Z'),
  held: fc.array(anyAmount, { minLength: 2, maxLength: 2 }),
  made: fc.constant({ position: 3n, recordedAt: '2026-01-01T00:00:00.000000Z' }),
  parentId: fc.uuid(),
  reverses: fc.uuid(),
  reason: anyText,
} satisfies Record<Exclude<keyof TransactionState, keyof typeof transfer>, unknown>;

const progress: fc.Arbitrary<ProgressState> = fc.record({
  status: fc.constantFrom('posted', 'pending', 'partially_reversed'),
  expiresAt: fc.constantFrom(null, time),
  captured: fc.array(anyAmount, { maxLength: 2 }),
  captures: fc.nat(),
  reversed: fc.array(anyAmount, { maxLength: 2 }),
  reversals: fc.array(fc.uuid(), { maxLength: 2 }),
});

const position = fc.bigInt({ min: 1n, max: 2n ** 63n - 1n });
const plain = {
  transaction: fc.record(transfer) as fc.Arbitrary<TransactionState>,
  position,
  progress: fc.constant(null) as fc.Arbitrary<ProgressState | null>,
  hold: fc.constant(null) as fc.Arbitrary<ProgressState | null>,
  withBalances: fc.constant(true) as fc.Arbitrary<boolean>,
  ownerId: fc.constant(null) as fc.Arbitrary<string | null>,
};
const transactionWith = (fields: Record<string, fc.Arbitrary<unknown>>) => ({
  transaction: fc.record({ ...transfer, ...fields }) as fc.Arbitrary<TransactionState>,
});

// One difference at a time: who overlooks it is not saved by another.
it.each<[string, Partial<typeof plain>]>([
  ['with nothing more to be told', {}],
  ['that is seen by an owner', { ownerId: fc.constantFrom('alice', 'bob') }],
  ['that has come somewhere', { progress }],
  ['whose hold has come somewhere', { hold: progress }],
  ['without the balances after it', { withBalances: fc.constant(false) }],
  ['with several postings or none', transactionWith({ legs: legsOf({ maxLength: 3 }) })],
  [
    'that changes currency',
    transactionWith({ exchanges: more.exchanges, legs: legsOf({ minLength: 2, maxLength: 2 }) }),
  ],
  ['that took effect before', transactionWith({ effectiveAt: more.effectiveAt })],
  ['that tells what was held', transactionWith({ held: more.held })],
  ['that was made before', transactionWith({ made: more.made })],
  ['that is a capture', transactionWith({ parentId: more.parentId })],
  ['that is a reversal', transactionWith({ reverses: more.reverses, reason: more.reason })],
])('a transfer %s is, as text, what JSON.stringify makes of it', (_, difference) => {
  fc.assert(
    fc.property(
      fc.record({ ...plain, ...difference }),
      ({ transaction, position: at, ownerId, ...shown }) => {
        const all = [transaction, { position: at, recordedAt: time }, shown, { ownerId }] as const;
        expect(transactionText(...all)).toBe(JSON.stringify(renderTransaction(...all)));
      },
    ),
  );
});
