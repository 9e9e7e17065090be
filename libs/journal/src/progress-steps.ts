import { amountsOf, type Made, type Progress, type Transaction, type TransactionEvent } from '#domain';

/** What is remembered of the event that made a transaction: of many, as little as can be. */
export interface FirstEvent {
  readonly amounts: readonly bigint[];
  /** Of its legs. */
  readonly accountIds: readonly string[];
  /** Of a capture. */
  readonly parentId: string | null;
  /** Its postings belong together, whatever is given back of each. */
  readonly isExchange: boolean;
}

export function firstEventOf(transaction: Transaction): FirstEvent {
  return {
    amounts: amountsOf(transaction),
    accountIds: accountIdsOf(transaction),
    parentId: transaction.parentId ?? null,
    isExchange: transaction.exchanges !== undefined,
  };
}

/** What is known of a transaction that may come further. */
export interface Tracked {
  /** Null: what made it is erased, and what it moved or held unknown. */
  readonly first: FirstEvent | null;
  /** Of a hold. */
  readonly made: Made | null;
  readonly isHold: boolean;
  readonly progress: Progress;
}

/** What an event must be like, as it is of a transaction of which this is known. */
export interface Step {
  /** How far the transaction has come after it. */
  readonly progress: Progress;
  readonly comparisons: readonly (readonly [subject: string, expected: unknown, found: unknown])[];
}

/** @param told how far the transaction has come, as the event says */
export function stepOf({ type, transaction }: TransactionEvent, known: Tracked, told: Progress): Step {
  switch (type) {
    case 'transaction.captured':
      return capture(transaction, known, told);
    case 'transaction.reversed':
      return reversal(transaction, known, told);
    case 'transaction.voided':
      return release(transaction, known, told, 'voided');
    case 'transaction.expired':
      return release(transaction, known, told, 'expired');
    case 'transaction.extended':
      return extension(transaction, known, told);
    case 'transaction.posted':
    case 'transaction.pending':
      throw new Error(`${type} makes a transaction and is of none`);
  }
}

function capture(transaction: Transaction, known: Tracked, told: Progress): Step {
  const { first, progress } = known;
  const amounts = amountsOf(transaction);
  const released = releasedOf(transaction);
  const rest = first ? subtract(first.amounts, told.captured) : null;
  const isLast = rest ? isNothing(rest) || !isNothing(released) : told.status === 'posted';
  return {
    progress: {
      ...progress,
      status: isLast ? 'posted' : 'partially_captured',
      captured: add(progress.captured, amounts),
      captures: progress.captures + 1,
    },
    comparisons: [
      ...ofOpenHold(transaction, known),
      ...heldBy(transaction, known),
      ['no more is captured than held', true, !rest || isCovered(rest)],
      ['what is released', String(rest && isLast ? rest : released.map(() => 0n)), String(released)],
    ],
  };
}

function reversal(transaction: Transaction, { first, isHold, progress }: Tracked, told: Progress): Step {
  const settled = isHold ? told.captured : first && first.amounts;
  const counted = subtract(told.reversed, progress.reversed);
  const isNext = followersOf(told) === followersOf(progress) + 1;
  // By the rounding of an exchange a capture can give back more than it took: all of it counts for its hold alone.
  const isRounded = first !== null && first.isExchange && first.parentId !== null;
  const given = isRounded ? amountsOf(transaction) : counted;
  return {
    progress: {
      ...progress,
      reversed: told.reversed,
      reversals: [...progress.reversals, transaction.transactionId],
    },
    comparisons: [
      ['no more is given back than taken', true, !settled || isCovered(subtract(settled, told.reversed))],
      [
        'what is given back',
        first && isNext ? mirrored(first, given) : legsText(transaction),
        legsText(transaction),
      ],
      [
        'what counts as given back',
        String(isRounded && isNext ? lesser(given, subtract(first.amounts, progress.reversed)) : counted),
        String(counted),
      ],
    ],
  };
}

function release(
  transaction: Transaction,
  known: Tracked,
  told: Progress,
  status: 'voided' | 'expired',
): Step {
  const left = known.first && subtract(known.first.amounts, told.captured);
  const amounts = amountsOf(transaction);
  return {
    progress: { ...known.progress, status },
    comparisons: [
      ...ofOpenHold(transaction, known),
      ...heldBy(transaction, known),
      ...madeAt(transaction, known),
      ['what is released', String(left ?? amounts), String(amounts)],
    ],
  };
}

function extension(transaction: Transaction, known: Tracked, told: Progress): Step {
  const { progress } = known;
  const amounts = amountsOf(transaction);
  return {
    progress: { ...progress, expiresAt: told.expiresAt },
    comparisons: [
      ...ofOpenHold(transaction, known),
      ...heldBy(transaction, known),
      ...madeAt(transaction, known),
      ['what is moved', String(amounts.map(() => 0n)), String(amounts)],
      ['it ends later', true, told.expiresAt !== null && told.expiresAt >= (progress.expiresAt ?? 0n)],
    ],
  };
}

function ofOpenHold(transaction: Transaction, { first, isHold, progress }: Tracked): Step['comparisons'] {
  const isOpen = progress.status === 'pending' || progress.status === 'partially_captured';
  const accounts = accountIdsOf(transaction).join(' ');
  return [
    ['it is of an open hold', true, isHold && isOpen],
    ['whose accounts', first ? first.accountIds.join(' ') : accounts, accounts],
  ];
}

function heldBy({ held = [] }: Transaction, { first }: Tracked): Step['comparisons'] {
  return [['what was held', String(first ? first.amounts : held), String(held)]];
}

function madeAt({ made }: Transaction, known: Tracked): Step['comparisons'] {
  return [['where the hold was made', madeText(known.made ?? made), madeText(made)]];
}

function madeText(made: Made | undefined): string {
  return made ? `${made.position} at ${made.recordedAt}` : 'nowhere';
}

/** A transaction's captures and reversals. */
export function followersOf({ captures, reversals }: Progress): number {
  return captures + reversals.length;
}

/** As text, for comparison. */
export function progressText({
  status,
  expiresAt,
  captured,
  captures,
  reversed,
  reversals,
}: Progress): string {
  const taken = `captured ${captured.join(' ')} in ${captures}`;
  return `${status} until ${expiresAt}, ${taken}, reversed ${reversed.join(' ')} by ${reversals.join(' ')}`;
}

function accountIdsOf({ legs }: Transaction): string[] {
  return legs.map(({ accountId }) => accountId);
}

function legsText({ legs }: Transaction): string {
  return legs.map(({ accountId, amount }) => `${accountId} ${amount}`).join(' ');
}

/** The legs that give these amounts back; a posting whose amount is zero has none, but in an exchange. */
function mirrored({ accountIds, isExchange }: FirstEvent, amounts: readonly bigint[]): string {
  return amounts
    .flatMap((amount, posting) => {
      const [sender, recipient] = [accountIds[2 * posting], accountIds[2 * posting + 1]];
      return amount === 0n && !isExchange ? [] : [`${recipient} ${amount}`, `${sender} ${amount}`];
    })
    .join(' ');
}

function releasedOf({ legs }: Transaction): bigint[] {
  return legs.filter(({ direction }) => direction === 'debit').map(({ released = 0n }) => released);
}

function add(amounts: readonly bigint[], more: readonly bigint[]): bigint[] {
  return amounts.map((amount, index) => amount + (more[index] ?? 0n));
}

function subtract(amounts: readonly bigint[], less: readonly bigint[]): bigint[] {
  return amounts.map((amount, index) => amount - (less[index] ?? 0n));
}

function lesser(amounts: readonly bigint[], others: readonly bigint[]): bigint[] {
  return amounts.map((amount, index) => (amount < (others[index] ?? 0n) ? amount : (others[index] ?? 0n)));
}

function isNothing(amounts: readonly bigint[]): boolean {
  return amounts.every((amount) => amount === 0n);
}

function isCovered(amounts: readonly bigint[]): boolean {
  return amounts.every((amount) => amount >= 0n);
}
