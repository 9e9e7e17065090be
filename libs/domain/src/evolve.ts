import type { Account } from './accounts.js';
import { effectOf, progressOf, type DomainEvent, type LegEffect, type TransactionEvent } from './events.js';
import type { LedgerState } from './ledger-state.js';
import { initialProgress, type Leg, type StoredTransaction } from './transactions.js';

/** Applies one event to the state: the only way in which state changes. */
export function evolve(state: LedgerState, event: DomainEvent): void {
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
    case 'exchange-rate.set':
      state.setExchangeRate(event.from, event.to, event.rate);
      break;
    case 'currency.added':
      state.addCurrency(event.code, event.exponent);
      break;
    case 'period.closed':
      state.closePeriod(event.closedBefore);
      break;
    case 'transaction.posted':
    case 'transaction.pending':
    case 'transaction.captured':
    case 'transaction.reversed':
    case 'transaction.voided':
    case 'transaction.expired':
    case 'transaction.extended':
      evolveTransaction(state, event);
      break;
  }
  state.advance();
}

function evolveTransaction(state: LedgerState, event: TransactionEvent): void {
  const { type, transaction } = event;
  const { legs, externalId } = transaction;
  const effect = effectOf(type);
  const recordedAt = state.nextRecordedAt;
  for (const leg of effect === 'none' ? [] : legs) {
    const account = state.account(leg.accountId);
    if (!account) throw new Error(`leg ${leg.leg} names account ${leg.accountId}, which is not in the state`);
    state.putAccount(applyLeg(account, leg, effect, recordedAt));
  }
  const stored = storedBy(event);
  if (stored) {
    const { isHold, progress } = stored;
    state.putTransaction({
      transaction,
      isHold,
      made: { position: state.position + 1n, recordedAt },
      progress,
    });
    if (externalId !== null) state.takeTransactionExternalId(externalId);
  }
  if (type === 'transaction.posted') return;
  for (const { transactionId, progress } of progressOf(event)) state.putProgress(transactionId, progress);
}

/** The transaction that an event makes, as later commands refer to it; null where it makes none. */
export function storedBy(event: TransactionEvent): Omit<StoredTransaction, 'made'> | null {
  const { type, transaction } = event;
  switch (type) {
    case 'transaction.pending':
      return { transaction, isHold: true, progress: event.progress };
    case 'transaction.posted':
    case 'transaction.captured':
    case 'transaction.reversed': {
      const progress = initialProgress(transaction.legs.length / 2, null);
      return { transaction, isHold: false, progress };
    }
    case 'transaction.voided':
    case 'transaction.expired':
    case 'transaction.extended':
      return null;
  }
}

type Moving = Pick<Leg, 'amount' | 'released'>;

/** What a leg adds to its account's posted debits or credits, by its direction; minor units. */
export function postedBy({ amount }: Moving, effect: LegEffect): bigint {
  return effect === 'post' || effect === 'capture' ? amount : 0n;
}

/** The same of what is pending; what is no longer held is below zero. */
export function pendingBy({ amount, released = 0n }: Moving, effect: LegEffect): bigint {
  if (effect === 'post' || effect === 'none') return 0n;
  return effect === 'hold' ? amount : -amount - released;
}

/**
 * The account after one leg. Each field is named, because this is made four times for a transfer and a copy with
 * some fields replaced takes longer.
 */
export function applyLeg(
  account: Account,
  leg: Pick<Leg, 'direction' | 'amount' | 'released'>,
  effect: LegEffect,
  recordedAt: bigint,
): Account {
  if (effect === 'none') return account;
  const isDebit = leg.direction === 'debit';
  const posted = postedBy(leg, effect);
  const pending = pendingBy(leg, effect);
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
    postedDebits: isDebit ? account.postedDebits + posted : account.postedDebits,
    postedCredits: isDebit ? account.postedCredits : account.postedCredits + posted,
    pendingDebits: isDebit ? account.pendingDebits + pending : account.pendingDebits,
    pendingCredits: isDebit ? account.pendingCredits : account.pendingCredits + pending,
    version: account.version + 1,
    settingsVersion: account.settingsVersion,
    entryNumber: effect === 'post' || effect === 'capture' ? account.entryNumber + 1 : account.entryNumber,
    metadata: account.metadata,
    createdAt: account.createdAt,
    updatedAt: recordedAt,
  };
}
