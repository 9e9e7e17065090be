import { applyLeg, availableBalance, postedBalance, type Account, type DomainEvent, type Leg } from '#domain';
import { chainHash, dataHash, genesisHash } from './event-chain.js';
import { decodeEvent, type RecordedEvent } from './event-codec.js';

/** The first thing that is not as the journal says it must be. */
export interface Difference {
  readonly ledgerId: string;
  /** What was compared: the chain, a leg, an account, a request … */
  readonly subject: string;
  readonly position: bigint | null;
  readonly expected: string;
  readonly found: string;
}

/**
 * The ledger as its events make it, with what each of them claims checked on the way. An erased event can't
 * be recomputed: what it did shows as a jump in the version of an account, and is taken from the next event
 * that tells how the account is. Without an erased event before it, such a jump is a difference.
 */
export class LedgerFold {
  readonly accounts = new Map<string, Account>();
  /** Where each account was opened. */
  readonly openedPositions = new Map<string, bigint>();
  /** Accounts with erased events in their past: their balances are known, not how they came about. */
  readonly patchedAccountIds = new Set<string>();
  readonly transactionExternalIds = new Map<string, string>();
  readonly erasedOpenings = new Set<bigint>();
  readonly erasedTransactionIds = new Set<string>();
  events = 0;
  erased = 0;
  position = 0n;
  epoch = 1;
  recordedAt = 0n;
  hash: Buffer;

  constructor(readonly ledgerId: string) {
    this.hash = genesisHash(ledgerId);
  }

  add(recorded: RecordedEvent): Difference | null {
    const difference = this.chain(recorded) ?? this.apply(recorded);
    this.events += 1;
    this.position = recorded.position;
    this.epoch = recorded.epoch;
    this.recordedAt = recorded.recordedAt;
    this.hash = recorded.hash;
    return difference;
  }

  difference(subject: string, position: bigint | null, expected: unknown, found: unknown): Difference | null {
    const [e, f] = [String(expected), String(found)];
    return e === f ? null : { ledgerId: this.ledgerId, subject, position, expected: e, found: f };
  }

  private chain(recorded: RecordedEvent): Difference | null {
    const { position } = recorded;
    return (
      this.difference('position', position, this.position + 1n, position) ??
      this.difference('epoch is not lower than before', position, true, recorded.epoch >= this.epoch) ??
      this.difference('recorded_at grows', position, true, recorded.recordedAt > this.recordedAt) ??
      this.data(recorded) ??
      this.difference(
        'hash',
        position,
        chainHash(this.hash, recorded).toString('hex'),
        recorded.hash.toString('hex'),
      )
    );
  }

  /** Erased is what has neither data nor salt; one of them alone is no erasure. */
  private data({ position, dataText, dataSalt, dataHash: kept }: RecordedEvent): Difference | null {
    if (dataText === null && dataSalt === null) return null;
    const expected = dataHash(dataSalt ?? Buffer.alloc(0), dataText ?? '');
    return this.difference('data hash', position, expected.toString('hex'), kept.toString('hex'));
  }

  private apply(recorded: RecordedEvent): Difference | null {
    const event = decodeEvent(recorded);
    if (event === null) {
      this.erased += 1;
      if (recorded.type === 'account.opened') this.erasedOpenings.add(recorded.position);
      if (recorded.transactionId !== null) this.erasedTransactionIds.add(recorded.transactionId);
      return null;
    }
    if (event.type !== 'transaction.posted') return this.applyAccount(event, recorded);
    const { transactionId, externalId, legs } = event.transaction;
    if (externalId !== null) this.transactionExternalIds.set(externalId, transactionId);
    for (const leg of legs) {
      const difference = this.applyOne(leg, recorded);
      if (difference) return difference;
    }
    return this.sumsToZero(legs, recorded.position);
  }

  private applyAccount(event: Extract<DomainEvent, { account: Account }>, { position }: RecordedEvent) {
    const { account } = event;
    const before = this.accounts.get(account.id);
    this.accounts.set(account.id, account);
    if (event.type === 'account.opened') {
      this.openedPositions.set(account.id, position);
      return this.difference('account opened once', position, false, before !== undefined);
    }
    if (this.isAfterErasure(before, account.version)) {
      this.patchedAccountIds.add(account.id);
      return null;
    }
    if (!before) return this.difference('account exists', position, account.id, 'no such account');
    const moneyOf = this.patchedAccountIds.has(account.id) ? balancesOf : sumsOf;
    return (
      this.difference('version', position, before.version + 1, account.version) ??
      this.difference('settings version', position, before.settingsVersion + 1, account.settingsVersion) ??
      this.difference('balances of an account event', position, moneyOf(before), moneyOf(account))
    );
  }

  private applyOne(leg: Leg, { position, recordedAt }: RecordedEvent): Difference | null {
    const before = this.accounts.get(leg.accountId);
    if (this.isAfterErasure(before, leg.version)) {
      this.patchedAccountIds.add(leg.accountId);
      if (before) this.accounts.set(before.id, patched(before, leg, recordedAt));
      return null;
    }
    if (!before)
      return this.difference(`leg ${leg.leg}: account`, position, leg.accountId, 'no such account');
    const after = applyLeg(before, leg, recordedAt);
    this.accounts.set(after.id, after);
    const expected = [
      postedBalance(after),
      after.pendingCredits,
      after.pendingDebits,
      availableBalance(after),
    ];
    return (
      this.difference(`leg ${leg.leg}: balances`, position, expected, [
        leg.posted,
        leg.pendingIn,
        leg.pendingOut,
        leg.available,
      ]) ??
      this.difference(`leg ${leg.leg}: version`, position, after.version, leg.version) ??
      this.difference(`leg ${leg.leg}: entry number`, position, after.entryNumber, leg.entryNumber)
    );
  }

  private isAfterErasure(before: Account | undefined, version: number): boolean {
    return this.erased > 0 && (!before || version > before.version + 1);
  }

  private sumsToZero(legs: readonly Leg[], position: bigint): Difference | null {
    const sums = new Map<string, bigint>();
    for (const { currency, direction, amount } of legs) {
      sums.set(currency, (sums.get(currency) ?? 0n) + (direction === 'debit' ? -amount : amount));
    }
    for (const [currency, sum] of sums) {
      const difference = this.difference(`sum of the legs in ${currency}`, position, 0n, sum);
      if (difference) return difference;
    }
    return null;
  }
}

/** The account as a leg shows it; debits and credits apart from each other are lost. */
function patched(account: Account, leg: Leg, recordedAt: bigint): Account {
  return {
    ...account,
    postedDebits: 0n,
    postedCredits: leg.posted,
    pendingCredits: leg.pendingIn,
    pendingDebits: leg.pendingOut,
    minBalance: leg.posted - leg.pendingOut - leg.available,
    version: leg.version,
    entryNumber: leg.entryNumber,
    updatedAt: recordedAt,
  };
}

function balancesOf(account: Account): string {
  return [postedBalance(account), account.pendingDebits, account.pendingCredits].join(' ');
}

function sumsOf(account: Account): string {
  return [account.postedDebits, balancesOf(account)].join(' ');
}
