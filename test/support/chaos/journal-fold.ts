import type { Account, Entry, JournalEvent, Transaction } from '../client.js';

interface FoldedAccount {
  posted: bigint;
  pendingIn: bigint;
  pendingOut: bigint;
  /** The balance after each posted leg. */
  readonly entries: { readonly transactionId: string; readonly balanceAfter: string }[];
}

interface FoldedTransaction {
  readonly type: string;
  readonly postings: readonly Posting[];
  status: string;
  /** Of a hold, per posting. */
  captured: bigint[] | null;
  reversed: bigint;
  /** Of a capture: its hold. */
  readonly parentId: string | null;
}

interface Posting {
  readonly sender: string;
  readonly recipient: string;
  readonly amount: bigint;
}

type EventData = Transaction & { readonly hold?: { readonly status: string } };

/** What the lists should say, told from the events of one currency by nothing but addition. */
export class JournalFold {
  readonly accounts = new Map<string, FoldedAccount>();
  readonly transactions = new Map<string, FoldedTransaction>();
  /** More captured than was held, or more given back than was settled. */
  readonly excesses: string[] = [];

  constructor(journal: readonly JournalEvent[]) {
    for (const event of journal) this.apply(event);
    for (const [id, { postings, captured, reversed }] of this.transactions) {
      const held = total(postings.map(({ amount }) => amount));
      const settled = captured === null ? held : total(captured);
      if (settled > held) this.excesses.push(`${id}: captured ${settled} of ${held}`);
      if (reversed > settled) this.excesses.push(`${id}: given back ${reversed} of ${settled}`);
    }
  }

  private apply({ type, data }: JournalEvent): void {
    const transaction = data as unknown as EventData;
    switch (type) {
      case 'account.opened':
        this.accounts.set((data as unknown as Account).id, newAccount());
        return;
      case 'transaction.posted':
        return this.settle(transaction);
      case 'transaction.pending':
        return this.hold(transaction);
      case 'transaction.captured':
        return this.capture(transaction);
      case 'transaction.voided':
        return this.release(transaction.id, 'voided');
      case 'transaction.expired':
        return this.release(transaction.id, 'expired');
      case 'transaction.reversed': {
        this.settle(transaction);
        const reversed = this.rootOf(transaction.reverses ?? '');
        reversed.reversed += total(postingsOf(transaction).map(({ amount }) => amount));
        return;
      }
      default:
        throw new Error(`the fold knows no ${type}`);
    }
  }

  private settle(transaction: EventData): void {
    const { id, type, parentId = null } = transaction;
    const postings = postingsOf(transaction);
    for (const { sender, recipient, amount } of postings) {
      this.enter(sender, -amount, id);
      this.enter(recipient, amount, id);
    }
    const folded = { type, postings, status: 'posted', captured: null, reversed: 0n, parentId };
    this.transactions.set(id, folded);
  }

  private hold(transaction: EventData): void {
    const postings = postingsOf(transaction);
    this.pend(
      postings.map((posting) => posting.amount),
      postings,
    );
    const captured = postings.map(() => 0n);
    const { id, type } = transaction;
    this.transactions.set(id, { type, postings, status: 'pending', captured, reversed: 0n, parentId: null });
  }

  private capture(transaction: EventData): void {
    const parentId = transaction.parentId ?? '';
    const hold = this.transaction(parentId);
    const amounts = postingsOf(transaction).map(({ amount }) => amount);
    this.settle(transaction);
    this.pend(
      amounts.map((amount) => -amount),
      hold.postings,
    );
    hold.captured = hold.captured!.map((captured, n) => captured + (amounts[n] ?? 0n));
    hold.status = 'partially_captured';
    const isAll = hold.postings.every(({ amount }, n) => hold.captured![n] === amount);
    if (isAll || transaction.hold?.status === 'posted') this.release(parentId, 'posted');
  }

  /** What is left of a hold is held no longer. */
  private release(id: string, status: string): void {
    const hold = this.transaction(id);
    this.pend(
      hold.postings.map(({ amount }, n) => hold.captured![n]! - amount),
      hold.postings,
    );
    hold.status = status;
  }

  private enter(accountId: string, amount: bigint, transactionId: string): void {
    const account = this.accounts.get(accountId);
    if (!account) return;
    account.posted += amount;
    account.entries.push({ transactionId, balanceAfter: account.posted.toString() });
  }

  private pend(amounts: readonly bigint[], postings: readonly Posting[]): void {
    for (const [n, { sender, recipient }] of postings.entries()) {
      const [from, to] = [this.accounts.get(sender), this.accounts.get(recipient)];
      if (from) from.pendingOut += amounts[n]!;
      if (to) to.pendingIn += amounts[n]!;
    }
  }

  private transaction(id: string): FoldedTransaction {
    const found = this.transactions.get(id);
    if (!found) throw new Error(`an event goes on with ${id}, which is not in the journal before it`);
    return found;
  }

  /** A hold and its captures share what is given back. */
  private rootOf(id: string): FoldedTransaction {
    const { parentId } = this.transaction(id);
    return this.transaction(parentId ?? id);
  }
}

/** The fields of a row that the fold tells; what a capture says of itself as given back is its hold's. */
export function rowOf({ id, type, status, postings, capturedAmount, reversedAmount }: Transaction) {
  const shown = postings.map(({ sender, recipient, amount }) => ({ sender, recipient, amount }));
  const isShared = type === 'capture';
  return {
    id,
    type,
    status,
    postings: shown,
    captured: capturedAmount ?? null,
    reversed: isShared ? null : (reversedAmount ?? null),
  };
}

export function expectedRows({ transactions }: JournalFold) {
  return [...transactions].map(([id, { type, status, postings, captured, reversed }]) => ({
    id,
    type,
    status,
    postings: postings.map((posting) => ({ ...posting, amount: posting.amount.toString() })),
    captured: captured === null ? null : total(captured).toString(),
    reversed: type === 'capture' || type === 'reversal' ? null : reversed.toString(),
  }));
}

export function balanceOf({ id, balance: { posted, available, pendingIn, pendingOut } }: Account) {
  return { id, posted, available, pendingIn, pendingOut };
}

/** Of all but system accounts, which are in no list. */
export function expectedBalances({ accounts }: JournalFold) {
  const listed = [...accounts].filter(([id]) => id.startsWith('acc_'));
  return listed.map(([id, { posted, pendingIn, pendingOut }]) => ({
    id,
    posted: posted.toString(),
    available: (posted - pendingOut).toString(),
    pendingIn: pendingIn.toString(),
    pendingOut: pendingOut.toString(),
  }));
}

/** Oldest first, numbered from 1. */
export function entryOf({ transactionId, balanceAfter, entryNumber }: Entry) {
  return { transactionId, balanceAfter, entryNumber };
}

export function expectedEntries({ accounts }: JournalFold, accountId: string) {
  const entries = accounts.get(accountId)?.entries ?? [];
  return entries.map((entry, n) => ({ ...entry, entryNumber: n + 1 }));
}

function newAccount(): FoldedAccount {
  return { posted: 0n, pendingIn: 0n, pendingOut: 0n, entries: [] };
}

function postingsOf({ postings }: Transaction): Posting[] {
  return postings.map(({ sender, recipient, amount }) => ({ sender, recipient, amount: BigInt(amount) }));
}

function total(amounts: readonly bigint[]): bigint {
  return amounts.reduce((sum, amount) => sum + amount, 0n);
}
