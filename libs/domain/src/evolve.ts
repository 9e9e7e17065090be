import type { Account } from './accounts.js';
import type { DomainEvent } from './events.js';
import type { LedgerState } from './ledger-state.js';
import type { Leg } from './transactions.js';

/** Applies one event to the state: the only way in which state changes. */
export function evolve(state: LedgerState, event: DomainEvent): void {
  const recordedAt = state.nextRecordedAt;
  switch (event.type) {
    case 'account.opened':
    case 'account.closed':
      state.putAccount(event.account);
      break;
    case 'account.updated': {
      const before = state.account(event.account.id);
      if (before?.externalId && before.externalId !== event.account.externalId) {
        state.freeAccountExternalId(before.externalId);
      }
      state.putAccount(event.account);
      break;
    }
    case 'transaction.posted':
      for (const leg of event.transaction.legs) {
        const account = state.account(leg.accountId);
        if (!account)
          throw new Error(`leg ${leg.leg} names account ${leg.accountId}, which is not in the state`);
        state.putAccount(applyLeg(account, leg, recordedAt));
      }
      if (event.transaction.externalId !== null)
        state.takeTransactionExternalId(event.transaction.externalId);
      break;
  }
  state.advance();
}

/**
 * The account after one posted leg. Each field is named, because this is made four times for a transfer and a copy
 * with some fields replaced takes longer.
 */
export function applyLeg(
  account: Account,
  leg: Pick<Leg, 'direction' | 'amount'>,
  recordedAt: bigint,
): Account {
  const isDebit = leg.direction === 'debit';
  return {
    id: account.id,
    system: account.system,
    name: account.name,
    currency: account.currency,
    visibility: account.visibility,
    externalId: account.externalId,
    ownerId: account.ownerId,
    status: account.status,
    minBalance: account.minBalance,
    maxBalance: account.maxBalance,
    postedDebits: isDebit ? account.postedDebits + leg.amount : account.postedDebits,
    postedCredits: isDebit ? account.postedCredits : account.postedCredits + leg.amount,
    pendingDebits: account.pendingDebits,
    pendingCredits: account.pendingCredits,
    version: account.version + 1,
    settingsVersion: account.settingsVersion,
    entryNumber: account.entryNumber + 1,
    metadata: account.metadata,
    createdAt: account.createdAt,
    updatedAt: recordedAt,
  };
}
