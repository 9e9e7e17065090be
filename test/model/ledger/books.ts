/**
 * All that a ledger knows, in memory. Records are replaced, never changed, and every write can be taken back:
 * so a request can be tried on the books as they are without leaving a trace.
 */
export type SystemAccount = 'ROOT' | 'EXCHANGE';

export interface AccountRecord {
  /** `acc_…`, or `ROOT:EUR` and `EXCHANGE:EUR`, which answers show without their currency. */
  readonly key: string;
  readonly id: string;
  readonly isSystem: boolean;
  readonly name: string;
  readonly currency: string;
  readonly visibility: string;
  readonly externalId: string | null;
  readonly ownerId: string | null;
  readonly status: 'open' | 'frozen' | 'closed';
  readonly posted: bigint;
  readonly pendingIn: bigint;
  readonly pendingOut: bigint;
  readonly minBalance: bigint | null;
  readonly maxBalance: bigint | null;
  readonly metadata: unknown;
  readonly version: number;
  readonly settingsVersion: number;
  readonly entryNumber: number;
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** Whom an event touches, as they were then: by that it is told what others may see of it. */
export interface Party {
  /** As answers show it. */
  readonly id: string;
  readonly isSystem: boolean;
  readonly ownerId: string | null;
  readonly visibility: string;
}

export interface Posting {
  readonly sender: string;
  readonly recipient: string;
  readonly amount: bigint;
  readonly currency: string;
}

export interface Exchange {
  /** Which of the postings is the first of the two through EXCHANGE. */
  readonly posting: number;
  readonly rate: string;
}

export type HoldStatus = 'pending' | 'partially_captured' | 'posted' | 'voided' | 'expired';

export interface HoldProgress {
  readonly status: HoldStatus;
  readonly expiresAt: string | null;
  /** Of each posting. */
  readonly captured: readonly bigint[];
  readonly captures: number;
  readonly held: readonly bigint[];
}

export interface TransactionRecord {
  readonly id: string;
  readonly type: 'transfer' | 'mint' | 'burn' | 'exchange' | 'capture' | 'reversal';
  /** Whether the request had two or more postings: then sender, recipient, amount and currency are null. */
  readonly isSeveral: boolean;
  readonly postings: readonly Posting[];
  readonly exchanges: readonly Exchange[];
  readonly reference: string | null;
  readonly externalId: string | null;
  readonly metadata: unknown;
  readonly effectiveAt: string;
  readonly createdAt: string;
  readonly position: number;
  /** When it was made. */
  readonly parties: readonly Party[];
  readonly hold: HoldProgress | null;
  /** Of a capture. */
  readonly capture: { readonly parentId: string } | null;
  readonly reversal: { readonly reverses: string; readonly reason: string | null } | null;
  /** Of each posting, by reversals of this one; of a hold by those of its captures as well. */
  readonly reversed: readonly bigint[];
  readonly reversals: readonly string[];
}

export interface EntryRecord {
  readonly id: string;
  readonly transactionId: string;
  readonly direction: 'debit' | 'credit';
  readonly amount: bigint;
  readonly balanceAfter: bigint;
  readonly entryNumber: number;
  readonly counterparty: Party;
  readonly reference: string | null;
  readonly createdAt: string;
  readonly effectiveAt: string;
  readonly position: number;
}

export interface RateRecord {
  readonly from: string;
  readonly to: string;
  readonly rate: string;
  readonly position: number;
  readonly setAt: string;
}

export interface CurrencyRecord {
  readonly code: string;
  readonly exponent: number;
  readonly name: string;
  readonly createdAt: string;
}

export interface PeriodRecord {
  readonly date: string;
  readonly closedBefore: string;
  readonly position: number;
  readonly setAt: string;
}

/** Under an idempotency key: what was asked, and what was answered. */
export interface KeptAnswer {
  readonly request: string;
  readonly status: number;
  readonly body: unknown;
}

export class Books {
  head = 0;
  /** When the event at the head was recorded, and those before it. */
  readonly recordedAt: string[] = [];
  /** Whom each event touches. */
  readonly parties: (readonly Party[])[] = [];
  readonly accounts = new Map<string, AccountRecord>();
  readonly transactions = new Map<string, TransactionRecord>();
  readonly entries = new Map<string, EntryRecord[]>();
  readonly accountOfExternalId = new Map<string, string>();
  readonly transactionOfExternalId = new Map<string, string>();
  readonly rates = new Map<string, RateRecord>();
  readonly currencies = new Map<string, CurrencyRecord>();
  /** By owner and key. */
  readonly answers = new Map<string, KeptAnswer>();
  readonly periods: PeriodRecord[] = [];
  private readonly undo: (() => void)[] = [];

  set<K, V>(map: Map<K, V>, key: K, value: V): void {
    const before = map.get(key);
    map.set(key, value);
    this.undo.push(() => (before === undefined ? map.delete(key) : map.set(key, before)));
  }

  remove<K, V>(map: Map<K, V>, key: K): void {
    const before = map.get(key);
    if (before === undefined) return;
    map.delete(key);
    this.undo.push(() => map.set(key, before));
  }

  append<V>(list: V[], value: V): void {
    list.push(value);
    this.undo.push(() => list.pop());
  }

  addEntry(account: string, entry: EntryRecord): void {
    if (!this.entries.has(account)) this.entries.set(account, []);
    this.append(this.entries.get(account)!, entry);
  }

  advance(recordedAt: string, parties: readonly Party[]): number {
    this.append(this.recordedAt, recordedAt);
    this.append(this.parties, parties);
    this.undo.push(() => (this.head -= 1));
    this.head += 1;
    return this.head;
  }

  /** What was written since then is taken back where this throws. */
  attempt<T>(work: () => T): T {
    const mark = this.undo.length;
    try {
      return work();
    } catch (error) {
      this.takeBack(mark);
      throw error;
    }
  }

  /** The result, and the books as they were before. */
  try<T>(work: () => T): T {
    const mark = this.undo.length;
    try {
      return work();
    } finally {
      this.takeBack(mark);
    }
  }

  /** What is written by now stays: nothing of it can be taken back any more. */
  settle(): void {
    this.undo.length = 0;
  }

  private takeBack(mark: number): void {
    while (this.undo.length > mark) this.undo.pop()!();
  }
}
