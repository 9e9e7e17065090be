/** Transfers, mints, burns and exchanges, posted or held. */
import { convert } from './amounts.js';
import type { AccountRecord, Books, Exchange, Posting, TransactionRecord } from './books.js';
import type { Condition, PostingDraft, TransactionDraft } from './bodies.js';
import { mayCredit, owns, type Asked } from './callers.js';
import type { Journal } from './journal.js';
import { checkLimits, move, openSystemAccounts, systemKey, type Movement } from './movements.js';
import { refuse, refuseIf } from './refusals.js';
import { partiesNow, seenOf } from './seen.js';
import { shownWithBalances } from './shown.js';

const isoExponents: Readonly<Record<string, number>> = { EUR: 2, USD: 2, CHF: 2, JPY: 0, KWD: 3 };

/** Of the currencies that the model knows, and of the ledger's own. */
export const exponentOf = (books: Books, currency: string): number | undefined =>
  isoExponents[currency] ?? books.currencies.get(currency)?.exponent;

export interface Parties {
  readonly sender: AccountRecord | 'ROOT';
  readonly recipient: AccountRecord | 'ROOT';
}

/** The order of the steps is that of the contract. */
export function createTransaction(books: Books, journal: Journal, draft: TransactionDraft, asked: Asked) {
  const { caller } = asked;
  // By the ledger's clock, so that it is judged here; in a batch for each transaction.
  const { effectiveAt, expiresAt } = draft;
  refuseIf(effectiveAt !== null && effectiveAt > journal.now, 'validation_error');
  refuseIf(expiresAt !== null && expiresAt <= journal.now, 'validation_error');
  refuseIf(
    draft.postings.some(({ sender, recipient }) => sender === recipient),
    'same_account',
  );
  const parties = draft.postings.map((posting) => ({
    sender: partyNamed(books, posting.sender, (account) => owns(caller, account)),
    recipient: partyNamed(books, posting.recipient, (account) => mayCredit(caller, account)),
  }));
  const watched = draft.conditions.map(({ accountId }) =>
    partyNamed(books, accountId, (account) => owns(caller, account)),
  );
  refuseClosedAndFrozen(parties.flatMap(({ sender, recipient }) => [sender, recipient]));
  const { externalId } = draft;
  refuseIf(externalId !== null && books.transactionOfExternalId.has(externalId), 'external_id_taken');
  const { postings, exchanges } = postingsOf(books, draft.postings, parties);
  const closedBefore = books.periods.at(-1)?.closedBefore ?? null;
  refuseIf(effectiveAt !== null && closedBefore !== null && effectiveAt < closedBefore, 'period_closed');
  draft.conditions.forEach((condition, n) =>
    checkCondition(books, condition, watched[n]!, postings[0]!.currency),
  );
  const movements = postings.map((posting) => movementOf(posting, draft.isPending));
  checkLimits(books, movements);
  return record(books, journal, draft, postings, exchanges, movements, asked);
}

/** What a caller may not name is not there. */
function partyNamed(
  books: Books,
  id: string,
  isAllowed: (account: AccountRecord) => boolean,
): AccountRecord | 'ROOT' {
  if (id === 'ROOT') return 'ROOT';
  const account = books.accounts.get(id);
  return account !== undefined && isAllowed(account) ? account : refuse('account_not_found');
}

/** Closed ones first, whatever their order. */
export function refuseClosedAndFrozen(parties: readonly (AccountRecord | 'ROOT')[]): void {
  for (const status of ['closed', 'frozen'] as const) {
    refuseIf(
      parties.some((party) => party !== 'ROOT' && party.status === status),
      `account_${status}`,
    );
  }
}

function postingsOf(books: Books, drafts: readonly PostingDraft[], parties: readonly Parties[]) {
  const postings: Posting[] = [];
  const exchanges: Exchange[] = [];
  drafts.forEach(({ amount, exchangeRate }, n) => {
    const { sender, recipient } = parties[n]!;
    const from = sender === 'ROOT' ? (recipient as AccountRecord).currency : sender.currency;
    const to = recipient === 'ROOT' ? from : recipient.currency;
    const [senderKey, recipientKey] = [keyOf(sender, from), keyOf(recipient, to)];
    if (from === to) {
      refuseIf(exchangeRate !== null, 'currency_mismatch');
      postings.push({ sender: senderKey, recipient: recipientKey, amount, currency: from });
      return;
    }
    const rate = exchangeRate ?? books.rates.get(`${from}/${to}`)?.rate ?? refuse('exchange_rate_missing');
    const converted = convert(amount, rate, exponentOf(books, from)!, exponentOf(books, to)!);
    refuseIf(converted === 0n, 'amount_too_small');
    exchanges.push({ posting: postings.length, rate });
    postings.push(
      { sender: senderKey, recipient: systemKey('EXCHANGE', from), amount, currency: from },
      { sender: systemKey('EXCHANGE', to), recipient: recipientKey, amount: converted, currency: to },
    );
  });
  return { postings, exchanges };
}

const keyOf = (party: AccountRecord | 'ROOT', currency: string): string =>
  party === 'ROOT' ? systemKey('ROOT', currency) : party.key;

function checkCondition(
  books: Books,
  { version, minPosted, maxPosted }: Condition,
  party: AccountRecord | 'ROOT',
  currency: string,
): void {
  const account = party === 'ROOT' ? books.accounts.get(systemKey('ROOT', currency)) : party;
  const posted = account?.posted ?? 0n;
  refuseIf(version !== null && version !== (account?.version ?? 0), 'version_conflict');
  refuseIf(minPosted !== null && posted < minPosted, 'version_conflict');
  refuseIf(maxPosted !== null && posted > maxPosted, 'version_conflict');
}

const movementOf = ({ sender, recipient, amount }: Posting, isPending: boolean): Movement => ({
  sender,
  recipient,
  posts: isPending ? 0n : amount,
  holds: isPending ? amount : 0n,
  isPosting: !isPending,
});

function typeOf(postings: readonly Posting[], exchanges: readonly Exchange[]): TransactionRecord['type'] {
  if (postings.every(({ sender }) => sender.startsWith('ROOT:'))) return 'mint';
  if (postings.every(({ recipient }) => recipient.startsWith('ROOT:'))) return 'burn';
  return exchanges.length > 0 ? 'exchange' : 'transfer';
}

function record(
  books: Books,
  journal: Journal,
  draft: TransactionDraft,
  postings: readonly Posting[],
  exchanges: readonly Exchange[],
  movements: readonly Movement[],
  { caller, key }: Asked,
) {
  openSystemAccounts(books, journal, postings);
  const type = draft.isPending ? 'transaction.pending' : 'transaction.posted';
  const stamp = journal.next(type);
  const { reference, externalId, metadata, expiresAt } = draft;
  const nothing = postings.map(() => 0n);
  const parties = partiesNow(books, postings);
  const transaction: TransactionRecord = {
    id: stamp.subjectId,
    type: typeOf(postings, exchanges),
    isSeveral: draft.postings.length > 1,
    postings,
    exchanges,
    reference,
    externalId,
    metadata,
    effectiveAt: draft.effectiveAt ?? stamp.recordedAt,
    createdAt: stamp.recordedAt,
    position: books.head + 1,
    parties,
    hold: draft.isPending
      ? {
          status: 'pending',
          expiresAt,
          captured: nothing,
          captures: 0,
          held: postings.map(({ amount }) => amount),
        }
      : null,
    capture: null,
    reversal: null,
    reversed: nothing,
    reversals: [],
  };
  const { id, effectiveAt } = transaction;
  move(books, stamp, movements, { transactionId: id, reference, effectiveAt });
  books.set(books.transactions, id, transaction);
  if (externalId !== null) books.set(books.transactionOfExternalId, externalId, id);
  books.advance(stamp.recordedAt, parties);
  const data = shownWithBalances(books, transaction);
  journal.write({ type, transactionId: id, data, effectiveAt, key });
  return seenOf(data, parties, caller);
}
