import fc from 'fast-check';
import type { AccountSettings, LedgerCommand, PostingDraft } from '#domain';
import {
  captureOf,
  draftOf,
  expiryOf,
  extensionOf,
  idOf,
  openingOf,
  rateOf,
  reversalOf,
  voidOf,
} from './ledger-fixtures.js';

/** A small world, so that commands meet: accounts 0–3 in euros, 4 in dollars, 5 in yen, all opened with some money. */
export const lifecycleAccounts = [0, 1, 2, 3, 4, 5].map((index) => idOf(1, index));
const currencies = ['EUR', 'EUR', 'EUR', 'EUR', 'USD', 'JPY'];

/** What a step needs to know of the ledger that it is a step of. */
export interface Happened {
  /** Of the command: one of its own for each step. */
  readonly transactionId: string;
  /** Transactions so far, oldest first, and those of them that are open holds. */
  readonly transactionIds: readonly string[];
  readonly openHoldIds: readonly string[];
  /** When the next event is recorded. */
  readonly now: bigint;
}

/** One thing that happens: a command, or the passing of time (microseconds), with which a new batch begins. */
export type Step = (happened: Happened) => LedgerCommand | { readonly kind: 'wait'; readonly until: bigint };

const amounts = fc.bigInt({ min: 1n, max: 30n });
const someAmounts = fc.option(amounts, { nil: null, freq: 2 });
const within = fc
  .tuple(fc.shuffledSubarray(lifecycleAccounts.slice(0, 4), { minLength: 2, maxLength: 2 }), amounts)
  .map(([[sender, recipient], amount]) => ({ sender: sender!, recipient: recipient!, amount }));
const withRoot = fc
  .tuple(fc.constantFrom(...lifecycleAccounts), amounts, fc.boolean())
  .map(([account, amount, isMint]) =>
    isMint ? { sender: 'ROOT', recipient: account, amount } : { sender: account, recipient: 'ROOT', amount },
  );
const exchanges = fc.record(
  {
    sender: fc.constantFrom(...lifecycleAccounts.slice(0, 5)),
    recipient: fc.constantFrom(...lifecycleAccounts.slice(4)),
    amount: amounts,
    exchangeRate: fc.constantFrom('0.37', '1.5', '33', '0.9'),
  },
  { requiredKeys: ['sender', 'recipient', 'amount'] },
);
const posting: fc.Arbitrary<PostingDraft> = fc.oneof(
  { weight: 6, arbitrary: within },
  { weight: 2, arbitrary: exchanges },
  { weight: 1, arbitrary: withRoot },
);
/** Few microseconds, as each event takes at least one. */
const moments = fc.bigInt({ min: 0n, max: 60n });

const creation: fc.Arbitrary<Step> = fc
  .record({
    postings: fc.oneof(
      { weight: 4, arbitrary: fc.tuple(posting) },
      { weight: 1, arbitrary: fc.array(posting, { minLength: 2, maxLength: 4 }) },
    ),
    isHold: fc.constantFrom(true, true, false),
    end: fc.option(moments, { nil: null, freq: 3 }),
  })
  .map(({ postings, isHold, end }): Step => ({ transactionId, now }) => ({
    kind: 'create-transaction',
    draft: draftOf(
      transactionId,
      postings,
      isHold ? { hold: { expiresAt: end === null ? null : now + end } } : {},
    ),
  }));

/** Something that follows one of the transactions so far: most often an open hold where `ofHold`, and a late one. */
function following<Data>(
  data: fc.Arbitrary<Data>,
  commandOf: (of: string, data: Data, happened: Happened) => LedgerCommand,
  { ofHold }: { readonly ofHold: boolean },
): fc.Arbitrary<Step> {
  const isAny = ofHold
    ? fc.boolean().chain((one) => fc.boolean().map((other) => one && other))
    : fc.constant(true);
  return fc.tuple(fc.nat({ max: 12 }), isAny, data).map(([back, any, chosen]): Step => (happened) => {
    const ids = any || happened.openHoldIds.length === 0 ? happened.transactionIds : happened.openHoldIds;
    return commandOf(ids.at(-1 - (back % ids.length)) ?? idOf(2, 0), chosen, happened);
  });
}

const settings = fc.record<Partial<AccountSettings>>(
  {
    status: fc.constantFrom('open', 'open', 'frozen'),
    minBalance: fc.option(fc.bigInt({ min: -30n, max: 20n }), { nil: null }),
    maxBalance: fc.option(fc.bigInt({ min: 0n, max: 200n }), { nil: null }),
  },
  { requiredKeys: [] },
);

const [aHold, anything] = [{ ofHold: true }, { ofHold: false }];
const capture = following(
  fc.tuple(someAmounts, fc.boolean()),
  (of, [amount, isFinal], { transactionId }) => captureOf(of, transactionId, amount, isFinal),
  aHold,
);
const reversal = following(
  someAmounts,
  (of, amount, { transactionId }) => reversalOf(of, transactionId, amount),
  anything,
);
const extension = following(moments, (of, end, { now }) => extensionOf(of, now + end), aHold);
const settingsChange = fc
  .tuple(fc.constantFrom(...lifecycleAccounts), settings)
  .map(([accountId, changes]): Step => () => ({
    kind: 'update-account',
    accountId,
    changes,
    preconditions: [],
  }));
const codes = fc.constantFrom('EUR', 'USD', 'JPY');
const rate = fc.tuple(codes, codes, fc.constantFrom('0.5', '1.1', '7')).map(
  ([from, to, rate]): Step =>
    () =>
      rateOf(from, to, rate),
);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 9, arbitrary: creation },
  { weight: 9, arbitrary: capture },
  { weight: 9, arbitrary: reversal },
  { weight: 2, arbitrary: following(fc.constant(null), (of) => voidOf(of), aHold) },
  { weight: 5, arbitrary: following(fc.constant(null), (of) => expiryOf(of), aHold) },
  { weight: 2, arbitrary: extension },
  { weight: 2, arbitrary: settingsChange },
  { weight: 1, arbitrary: rate },
  { weight: 3, arbitrary: moments.map((after): Step => ({ now }) => ({ kind: 'wait', until: now + after })) },
);

/** The openings of all accounts, to be made before the steps. */
export const lifecycleOpenings: readonly LedgerCommand[] = lifecycleAccounts.map((accountId, index) =>
  openingOf(accountId, {
    currency: currencies[index]!,
    balance: { transactionId: idOf(3, index), amount: 100n },
  }),
);

/** Any life of the transactions of a ledger. */
export const anyLifecycle = (stepsMax: number) =>
  fc.array(step, { minLength: 20, maxLength: stepsMax, size: 'max' });
