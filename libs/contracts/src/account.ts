import type { Amount } from './amounts.js';
import { accountIdOf } from './type-ids.js';
import { seesMoney, type Reader, type Visibility } from './visibility.js';

export interface AccountSums {
  readonly postedDebits: Amount;
  readonly postedCredits: Amount;
  readonly pendingDebits: Amount;
  readonly pendingCredits: Amount;
  readonly minBalance: Amount | null;
}

/** An account as the ledger has it, or as an event of the journal stores it. */
export interface AccountState extends AccountSums {
  /** A UUID. */
  readonly id: string;
  readonly system: string | null;
  readonly name: string;
  readonly currency: string;
  readonly visibility: Visibility;
  readonly externalId: string | null;
  readonly ownerId: string | null;
  readonly status: string;
  readonly maxBalance: Amount | null;
  readonly version: number;
  readonly entryNumber: number;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** ISO 8601 in UTC with six decimals. */
interface AccountTimes {
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** The Account of the contract. */
export function renderAccount(account: AccountState, times: AccountTimes, reader: Reader) {
  return {
    id: account.system ?? accountIdOf(account.id),
    name: account.name,
    currency: account.currency,
    visibility: account.visibility,
    externalId: account.externalId,
    ownerId: account.ownerId,
    status: account.status,
    ...(seesMoney(account, reader) ? { balance: renderBalances(account) } : {}),
    minBalance: account.minBalance?.toString() ?? null,
    maxBalance: account.maxBalance?.toString() ?? null,
    version: account.version,
    metadata: account.metadata,
    createdAt: times.createdAt,
    updatedAt: times.updatedAt,
  };
}

export function renderBalances(sums: AccountSums) {
  const posted = BigInt(sums.postedCredits) - BigInt(sums.postedDebits);
  const available = posted - BigInt(sums.pendingDebits) - BigInt(sums.minBalance ?? 0n);
  return {
    posted: posted.toString(),
    available: available.toString(),
    pendingIn: sums.pendingCredits.toString(),
    pendingOut: sums.pendingDebits.toString(),
  };
}
