import {
  currencyExponent,
  systemAccountNames,
  type AccountReference,
  type LedgerCommand,
  type StoredTransaction,
  type SystemAccountName,
  type TransactionDraft,
} from '#domain';
import { requestIdentity } from './earlier-requests.js';
import type { QueuedUnit } from './queued-unit.js';
import { keyOf, ownKeyOf, type KeyedRequest } from './seen-requests.js';

/** An idempotency key, and the hash of a client's batch that asks for its answer; empty for all others. */
interface NamedKey {
  readonly owner: string;
  readonly key: string;
  readonly batchHash: string;
}

/** Which rows the decisions of a batch need, as far as its commands alone tell. */
export interface RowNames {
  readonly accounts: Set<string>;
  readonly systems: Set<string>;
  /** Currencies whose system accounts are needed, besides those of the accounts. */
  readonly currencies: Set<string>;
  readonly accountExternalIds: Set<string>;
  readonly transactionExternalIds: Set<string>;
  /** Transactions that commands refer to: what they name is known once they are read. */
  readonly transactions: Set<string>;
  /** Codes that may be those of the ledger's own currencies. */
  readonly ownCurrencies: Set<string>;
  /** Each once. */
  readonly keys: Map<string, NamedKey>;
  /** Accounts that are opened by the batch itself, with their currencies. */
  readonly opened: Map<string, string>;
  readonly drafts: TransactionDraft[];
  hasSettings: boolean;
  hasEffectiveTime: boolean;
}

export function namesOf(units: readonly QueuedUnit[]): RowNames {
  const names: RowNames = {
    accounts: new Set(),
    systems: new Set(),
    currencies: new Set(),
    accountExternalIds: new Set(),
    transactionExternalIds: new Set(),
    transactions: new Set(),
    ownCurrencies: new Set(),
    keys: new Map(),
    opened: new Map(),
    drafts: [],
    hasSettings: false,
    hasEffectiveTime: false,
  };
  for (const unit of units) {
    addKeys(names, unit);
    const { work } = unit;
    if (work.kind === 'command') addNames(names, work.command);
    else for (const { command } of work.batch.items) addNames(names, command);
  }
  return names;
}

function addKeys(names: RowNames, { request, work }: QueuedUnit): void {
  const add = (keyed: KeyedRequest | null, batchHash = '') => {
    if (keyed === null) return;
    const { owner, key } = keyed;
    names.keys.set(`${batchHash} ${requestIdentity(owner, key)}`, { owner, key, batchHash });
  };
  const own = ownKeyOf(request);
  if (work.kind === 'command') return add(own);
  add(own, own?.requestHash.toString('hex'));
  for (const item of work.batch.items) add(keyOf(request.owner, item));
}

function addNames(names: RowNames, command: LedgerCommand): void {
  switch (command.kind) {
    case 'create-transaction':
      addDraft(names, command.draft);
      break;
    case 'open-account':
      if (command.settings.externalId !== null) names.accountExternalIds.add(command.settings.externalId);
      // A later command of the batch may move money between this account and a system account.
      names.currencies.add(command.currency);
      names.opened.set(command.accountId, command.currency);
      addOwnCurrency(names, command.currency);
      if (command.opening) names.systems.add('ROOT' satisfies SystemAccountName);
      break;
    case 'update-account':
      names.hasSettings = true;
      names.accounts.add(command.accountId);
      if (command.changes.externalId) names.accountExternalIds.add(command.changes.externalId);
      break;
    case 'close-account':
      names.hasSettings = true;
      names.accounts.add(command.accountId);
      break;
    case 'capture-hold':
    case 'void-hold':
    case 'expire-hold':
    case 'extend-hold':
    case 'reverse-transaction':
      names.transactions.add(command.transactionId);
      break;
    case 'set-exchange-rate':
      addOwnCurrency(names, command.from);
      addOwnCurrency(names, command.to);
      break;
    case 'add-currency':
      addOwnCurrency(names, command.code);
      break;
    case 'close-period':
      break;
  }
}

function addDraft(names: RowNames, draft: TransactionDraft): void {
  names.drafts.push(draft);
  for (const { sender, recipient } of draft.postings) {
    addReference(names, sender);
    addReference(names, recipient);
  }
  if (draft.conditions) for (const { account } of draft.conditions) addReference(names, account);
  if (draft.externalId !== null) names.transactionExternalIds.add(draft.externalId);
  if (draft.effectiveAt !== undefined) names.hasEffectiveTime = true;
}

function addReference(names: RowNames, reference: AccountReference): void {
  if ((systemAccountNames as readonly string[]).includes(reference)) names.systems.add(reference);
  else names.accounts.add(reference);
}

/** A part of a hold in two currencies is converted anew, by their exponents. */
export function addCurrenciesOfHolds(names: RowNames, stored: Iterable<StoredTransaction>): void {
  for (const { isHold, transaction } of stored) {
    if (!isHold || !transaction.exchanges) continue;
    for (const { currency } of transaction.legs) addOwnCurrency(names, currency);
  }
}

/** Currencies of ISO 4217 are in no table. */
function addOwnCurrency(names: RowNames, code: string): void {
  if (currencyExponent(code) === null) names.ownCurrencies.add(code);
}

/**
 * The changes of currency that the batch's postings ask for, once the accounts that they name are known.
 * @param currencyOf of an account that is stored; undefined where there is no such account
 */
export function exchangesOf(
  { drafts, opened }: RowNames,
  currencyOf: (accountId: string) => string | undefined,
): { readonly from: string; readonly to: string }[] {
  const pairs = new Map<string, { from: string; to: string }>();
  for (const { postings } of drafts) {
    for (const { sender, recipient } of postings) {
      const from = currencyOf(sender) ?? opened.get(sender);
      const to = currencyOf(recipient) ?? opened.get(recipient);
      if (from === undefined || to === undefined || from === to) continue;
      pairs.set(`${from} ${to}`, { from, to });
    }
  }
  return [...pairs.values()];
}
