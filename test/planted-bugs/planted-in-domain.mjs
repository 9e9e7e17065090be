import { plant } from './plant.mjs';

/** The rules of money, which need no database to be broken. */
const source = (name) => `libs/domain/src/${name}.ts`;
const suite = (name) => `libs/domain/src/${name}.spec.ts`;

const movements = source('movements');
const holds = source('decide-hold');
const stored = source('stored-transactions');

const amounts = [
  plant(
    'an amount beyond the safe integers is taken as a number',
    source('amounts'),
    `Number.isSafeInteger(value)`,
    `Number.isInteger(value)`,
    suite('amounts'),
  ),
  plant(
    'an amount of zero can be moved',
    source('amounts'),
    `amount > 0n ? amount : null`,
    `amount >= 0n ? amount : null`,
    suite('amounts'),
  ),
  plant(
    'an exchange is computed in floating point',
    source('exchange-rates'),
    `const product = amount * BigInt(whole + fraction);`,
    `const product = BigInt(Math.round(Number(amount) * Number(whole + fraction)));`,
    suite('exchange-rates'),
  ),
  plant(
    'an exchange is rounded half up',
    source('exchange-rates'),
    `twice === divisor && quotient % 2n === 1n`,
    `twice === divisor`,
    suite('exchange-rates'),
  ),
  plant(
    'an exchange leaves the decimals of the currencies out',
    source('exchange-rates'),
    `exponents.to - exponents.from - fraction.length`,
    `-fraction.length`,
    suite('exchange-rates'),
  ),
  plant(
    'the largest remainder goes without its unit',
    source('split'),
    `compare(b.remainder, a.remainder)`,
    `compare(a.remainder, b.remainder)`,
    suite('split'),
  ),
  plant(
    'of equal remainders the last one is served first',
    source('split'),
    `a.index - b.index`,
    `b.index - a.index`,
    suite('split'),
  ),
];

const limits = [
  plant(
    'the last unit of an account can not be spent',
    movements,
    `available >= 0n ||`,
    `available > 0n ||`,
    suite('decide-transaction'),
  ),
  plant(
    'an account can be overdrawn by one unit',
    movements,
    `available >= 0n ||`,
    `available >= -1n ||`,
    suite('decide-transaction'),
  ),
  plant(
    'an account can not be filled up to its maximum',
    movements,
    `highest(is) <= is.maxBalance`,
    `highest(is) < is.maxBalance`,
    suite('decide-transaction'),
  ),
  plant(
    'what is held for an account does not count for its maximum',
    movements,
    `return postedBalance(account) + account.pendingCredits;`,
    `return postedBalance(account);`,
    suite('decide-hold'),
  ),
  plant(
    'what is held of an account can be spent again',
    source('accounts'),
    `return postedBalance(account) - account.pendingDebits - (account.minBalance ?? 0n);`,
    `return postedBalance(account) - (account.minBalance ?? 0n);`,
    suite('decide-hold'),
  ),
  plant(
    'money goes to an account that is frozen',
    movements,
    `for (const side of ['sender', 'recipient'] as const) {`,
    `for (const side of ['sender'] as const) {`,
    suite('decide-transaction'),
  ),
  plant(
    'an account is closed while money is held for it',
    source('decide-account'),
    ` || account.pendingCredits !== 0n`,
    ``,
    suite('decide-account'),
  ),
  plant(
    'a condition on the least balance fails at just that balance',
    source('decide-transaction'),
    `posted < minPosted`,
    `posted <= minPosted`,
    suite('decide-conditions'),
  ),
  plant(
    'a condition on the version of an account is not looked at',
    source('decide-transaction'),
    `version !== undefined && version !== (account?.version ?? 0)`,
    `version !== undefined && version < 0`,
    suite('decide-conditions'),
  ),
];

const legs = [
  plant(
    'a debit is a credit, and a credit a debit',
    source('evolve'),
    `const isDebit = leg.direction === 'debit';`,
    `const isDebit = leg.direction === 'credit';`,
    suite('decide-transaction'),
  ),
  plant(
    'an exchange pays out in the currency that it takes',
    source('decide-transaction'),
    `{ sender: systems.find('EXCHANGE', to), recipient, path, amount: converted }`,
    `{ sender: systems.find('EXCHANGE', from), recipient, path, amount: converted }`,
    suite('decide-exchange'),
  ),
  plant(
    'the version of an account grows once for all the legs of a transaction',
    movements,
    `known?.after ?? account,`,
    `{ ...(known?.after ?? account), version: account.version },`,
    suite('decide-transaction'),
  ),
];

const lifecycle = [
  plant(
    'the last unit of a hold can not be captured',
    holds,
    `amount > left[0]!`,
    `amount >= left[0]!`,
    suite('decide-lifecycle'),
    suite('refusal-order'),
  ),
  plant(
    'one unit more than is held can be captured',
    holds,
    `amount > left[0]!`,
    `amount > left[0]! + 1n`,
    suite('refusal-order'),
    suite('decide-any-lifecycle'),
  ),
  plant(
    'a final capture keeps what it leaves on hold',
    holds,
    `movementsOf(parties, amounts, isEnd ? rest : [])`,
    `movementsOf(parties, amounts)`,
    suite('decide-hold'),
  ),
  plant(
    'each capture of an exchange is rounded by itself',
    holds,
    `convertBetween(captured + amount, exchange.rate, sent, received, state) - converted`,
    `convertBetween(amount + 0n * (captured + converted), exchange.rate, sent, received, state)`,
    suite('decide-exchange'),
    suite('decide-hold'),
  ),
  plant(
    'a hold expires twice',
    holds,
    `if (!stored?.isHold || !isOpen(stored.progress)) {`,
    `if (!stored?.isHold) {`,
    suite('refusal-order'),
    suite('decide-any-lifecycle'),
  ),
  plant(
    'a hold expires before its time',
    holds,
    `if (!isOverdue(stored.progress, state)) return refuse('transaction_not_pending', 'the hold has time left');`,
    ``,
    suite('refusal-order'),
    suite('decide-any-lifecycle'),
  ),
  plant(
    'a hold is captured after its time',
    holds,
    `if (isOverdue(progress, state)) return refuse('transaction_not_pending', 'the hold has expired');`,
    ``,
    suite('refusal-order'),
  ),
  plant(
    'a hold can still be captured in the microsecond in which it ends',
    holds,
    `expiresAt !== null && expiresAt <= state.nextRecordedAt`,
    `expiresAt !== null && expiresAt < state.nextRecordedAt`,
    suite('refusal-order'),
    suite('decide-any-lifecycle'),
  ),
  plant(
    'whoever gives the money takes it off hold',
    holds,
    `if (ownsRecipients(caller, transaction.legs)) return null;`,
    `if (ownsRecipients(caller, transaction.legs) || transaction.legs.some(({ ownerId }) => ownerId === caller.ownerId)) return null;`,
    suite('callers'),
  ),
  plant(
    'refunds do not count for what can be refunded',
    stored,
    `const own = subtract(settledOf(stored), stored.progress.reversed);`,
    `const own = settledOf(stored);`,
    suite('decide-reversal'),
  ),
  plant(
    'what was given back of a hold can be given back of its capture again',
    stored,
    `const shared = subtract(hold.captured, hold.reversed);`,
    `const shared = hold.captured;`,
    suite('decide-reversal'),
  ),
  plant(
    'what was given back of a capture can be given back of its hold again',
    source('decide-reversal'),
    `progressed.push({ transactionId: transaction.parentId, progress });`,
    `progressed.push({ transactionId: transaction.parentId, progress: { ...progress, reversed: hold.progress.reversed } });`,
    suite('decide-reversal'),
  ),
  plant(
    'a reversal overdraws who gives the money back',
    source('decide-reversal'),
    `if (overLimit) return overLimit;`,
    `if (overLimit && stored.isHold) return overLimit;`,
    suite('decide-reversal'),
  ),
  plant(
    'a reversal can be reversed',
    source('decide-reversal'),
    `if (transaction.type === 'reversal') return refuse('not_reversible', "a reversal can't be reversed");`,
    ``,
    suite('refusal-order'),
  ),
  plant(
    'a burn is reversed without the right to make money',
    source('decide-reversal'),
    `if (!caller.mayMint && hasRoot('credit')) {`,
    `if (!caller.mayMint && !caller.mayBurn && hasRoot('credit')) {`,
    suite('decide-reversal'),
  ),
];

const periodsAndOwners = [
  plant(
    'a closed period takes what is back-dated into it',
    source('decide-transaction'),
    `closedBefore === null || effectiveAt >= closedBefore`,
    `closedBefore === null || effectiveAt >= closedBefore - 86_400_000_000n`,
    suite('decide-transaction'),
    suite('decide-settings'),
  ),
  plant(
    'the first moment after a closed period is closed as well',
    source('decide-transaction'),
    `closedBefore === null || effectiveAt >= closedBefore`,
    `closedBefore === null || effectiveAt > closedBefore`,
    suite('decide-transaction'),
    suite('decide-settings'),
  ),
  plant(
    'a transaction takes effect in the future',
    source('decide-transaction'),
    `effectiveAt !== undefined && effectiveAt > now`,
    `effectiveAt !== undefined && effectiveAt > now + 60_000_000n`,
    suite('refusal-order'),
  ),
  plant(
    'an owner pays from an account that another one lets be seen',
    source('parties'),
    `const sender = named(draft.sender, owns);`,
    `const sender = named(draft.sender, mayCredit);`,
    suite('callers'),
    suite('decide-transaction'),
  ),
  plant(
    "an owner goes on with others' transactions",
    source('callers'),
    `return legs.some((leg) => owns(caller, leg));`,
    `return legs.length > 0 && owns({ ...caller, ownerId: caller.ownerId && null }, legs[0]!);`,
    suite('callers'),
    suite('decide-hold'),
  ),
  plant(
    'an owner can name ROOT',
    source('parties'),
    `return caller.ownerId === null ? null : undefined;`,
    `return null;`,
    suite('callers'),
    suite('decide-transaction'),
  ),
];

export const plantedInDomain = [...amounts, ...limits, ...legs, ...lifecycle, ...periodsAndOwners];
