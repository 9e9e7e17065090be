import type { Page, PageRequest } from '#platform';
import type { AccountFilters } from '../../apps/ledger/src/accounts/account-filters.js';
import { ListAccounts, type ListAccountsHandler } from '../../apps/ledger/src/accounts/list-accounts.js';
import { ListEntries, type ListEntriesHandler } from '../../apps/ledger/src/accounts/list-entries.js';
import {
  ListTransactions,
  type ListTransactionsHandler,
} from '../../apps/ledger/src/transactions/list-transactions.js';
import type { TransactionFilters } from '../../apps/ledger/src/transactions/transaction-filters.js';
import { seededAccountId, seededReferences, seededRootId } from './seed-ledger.js';

export interface ListHandlers {
  readonly transactions: ListTransactionsHandler;
  readonly accounts: ListAccountsHandler;
  readonly entries: ListEntriesHandler;
}

/** A list with one filter, as it is asked for over HTTP, consistency included. */
export interface MeasuredList {
  readonly name: string;
  readonly read: (page: PageRequest) => Promise<Page<unknown>>;
}

export function measuredLists(
  handlers: ListHandlers,
  ledgerId: string,
  transactions: number,
): MeasuredList[] {
  const dayMicros = 86_400_000_000n;
  const seededFrom = BigInt(Date.UTC(2026, 0, 1)) * 1_000n;
  const middle = seededFrom + (BigInt(transactions) * 1_000_000n) / 2n;
  const transactionFilters: Record<string, TransactionFilters> = {
    none: {},
    'account (200 transactions)': { account: seededAccountId(4_321) },
    'account (a tenth of all)': { account: seededAccountId(0) },
    'account ROOT': { account: 'ROOT' },
    sender: { sender: seededAccountId(4_321) },
    'sender (a tenth of all)': { sender: seededAccountId(0) },
    'sender ROOT': { sender: 'ROOT' },
    recipient: { recipient: seededAccountId(4_321) },
    'recipient ROOT': { recipient: 'ROOT' },
    'type transfer': { type: 'transfer' },
    'type burn': { type: 'burn' },
    'type reversal (none)': { type: 'reversal' },
    'status posted': { status: 'posted' },
    'status pending (none)': { status: 'pending' },
    'currency EUR': { currency: 'EUR' },
    'currency USD (1 of 1,000)': { currency: 'USD' },
    'currency JPY (none)': { currency: 'JPY' },
    externalId: { externalId: 'order-500000' },
    'createdAt before the middle': { createdAt: { lt: middle } },
    'createdAt a day in the middle': { createdAt: { gte: middle, lt: middle + dayMicros } },
    'amount up to 5 (1 of 1,000)': { amount: { lte: 5n } },
    'amount from a million (1 of 5,000)': { amount: { gte: 1_000_000n } },
    'reference common (7 tenths)': { reference: seededReferences.common },
    'reference clustered (oldest 3 tenths)': { reference: seededReferences.clustered },
    'reference clustered (oldest hundredth)': { reference: seededReferences.oldest },
    'reference single word': { reference: seededReferences.single },
    'reference single number': { reference: 'INV-00099999' },
    'reference absent': { reference: 'walrus' },
    'reference two characters': { reference: 'ra' },
    'reference two characters (none)': { reference: 'qq' },
  };
  const accountFilters: Record<string, AccountFilters> = {
    none: {},
    'name common': { name: 'customer' },
    'name single': { name: 'customer 81dc9bdb52d04dc20036dbd8313ed055' },
    'name absent': { name: 'walrus' },
    'visibility public': { visibility: 'public' },
    'visibility unlisted (none)': { visibility: 'unlisted' },
    'currency USD': { currency: 'USD' },
    externalId: { externalId: 'customer-4320' },
    ownerId: { ownerId: 'owner-540' },
    'status open': { status: 'open' },
    'status closed': { status: 'closed' },
  };
  const accounts: Record<string, string> = {
    'entries of an account': seededAccountId(4_321),
    'entries of a busy account': seededAccountId(0),
    'entries of ROOT': seededRootId,
  };
  return [
    ...Object.entries(transactionFilters).map(([name, filters]) => ({
      name: `transactions ${name}`,
      read: (page: PageRequest) =>
        handlers.transactions.execute(new ListTransactions(ledgerId, filters, page, 'strong')),
    })),
    ...Object.entries(accounts).map(([name, accountId]) => ({
      name,
      read: (page: PageRequest) =>
        handlers.entries.execute(new ListEntries(ledgerId, accountId, {}, page, 'strong', null)),
    })),
    ...Object.entries(accountFilters).map(([name, filters]) => ({
      name: `accounts ${name}`,
      read: (page: PageRequest) => handlers.accounts.execute(new ListAccounts(ledgerId, filters, page)),
    })),
  ];
}
