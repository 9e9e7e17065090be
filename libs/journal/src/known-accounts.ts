import type { Counter } from 'prom-client';
import type { Account } from '#domain';

/** By what a head can be told from any other: the transaction that wrote it last, and the hash of its last event. */
export interface HeadMark {
  readonly writtenBy: string;
  readonly hash: Buffer;
}

interface KnownLedger {
  /** As this process left the head. */
  left: HeadMark;
  /** How often in a row the head was found as it was left. */
  timesFound: number;
  readonly accounts: Map<string, Account>;
}

/** A ledger that other processes write to as well is read anew each time, at no more cost than without a memory. */
const timesFoundToTrust = 4;

/**
 * Accounts as this process's last batch of their ledger left them, so that the next one need not read them again.
 * Accounts change under the lock of their ledger's head, and with it: while the head is as this process left it, so
 * are they. Whoever finds another head, under its lock, forgets the ledger. Of all ledgers together there are no more
 * than the maximum; the ledger that was written to least recently loses its own first, and the oldest of them first.
 *
 * Where no batch asked for settings, what is known of an account lacks them: see readAccountRow.
 */
export class KnownAccounts {
  /** The least recently written to first. */
  private readonly ledgers = new Map<string, KnownLedger>();
  private count = 0;

  constructor(
    private readonly accountsMax: number,
    private readonly gathered: Counter<'source'>,
  ) {}

  /** To be used only once the head is locked and found as it was left. */
  of(ledgerId: string): ReadonlyMap<string, Account> | null {
    const known = this.ledgers.get(ledgerId);
    return known && known.timesFound >= timesFoundToTrust ? known.accounts : null;
  }

  /** Whether a head, under its lock, is as this process left it; where it isn't, the ledger is forgotten. */
  recognise(ledgerId: string, { writtenBy, hash }: HeadMark): boolean {
    const known = this.ledgers.get(ledgerId);
    if (!known) return false;
    const isAsLeft = known.left.writtenBy === writtenBy && known.left.hash.equals(hash);
    if (isAsLeft) known.timesFound += 1;
    else this.forget(ledgerId);
    return isAsLeft;
  }

  /** After a commit: what its batch has read and changed, the later ones of an account last. */
  remember(ledgerId: string, left: HeadMark, accounts: readonly Account[]): void {
    const known = this.ledgers.get(ledgerId) ?? { left, timesFound: 0, accounts: new Map<string, Account>() };
    known.left = left;
    this.ledgers.delete(ledgerId);
    this.ledgers.set(ledgerId, known);
    this.count -= known.accounts.size;
    for (const account of accounts) known.accounts.set(account.id, account);
    this.count += known.accounts.size;
    this.forgetBeyondMax();
  }

  noteGathered(fromMemory: number, fromDatabase: number): void {
    this.gathered.inc({ source: 'memory' }, fromMemory);
    this.gathered.inc({ source: 'database' }, fromDatabase);
  }

  /** Where something has gone wrong: it may be because of what was remembered. */
  forget(ledgerId: string): void {
    this.count -= this.ledgers.get(ledgerId)?.accounts.size ?? 0;
    this.ledgers.delete(ledgerId);
  }

  private forgetBeyondMax(): void {
    for (const [ledgerId, { accounts }] of this.ledgers) {
      for (const id of accounts.keys()) {
        if (this.count <= this.accountsMax) return;
        accounts.delete(id);
        this.count -= 1;
      }
      this.ledgers.delete(ledgerId);
    }
  }
}
