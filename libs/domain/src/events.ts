import type { Account } from './accounts.js';
import type { Progressed, Progress, Transaction } from './transactions.js';

/** What the journal keeps: facts in the past tense. Account events carry the account as it is after them. */
export type DomainEvent = AccountEvent | TransactionEvent | SettingEvent;

export type AccountEvent = {
  readonly type: 'account.opened' | 'account.updated' | 'account.closed';
  readonly account: Account;
};

export type TransactionEvent =
  | { readonly type: 'transaction.posted'; readonly transaction: Transaction }
  /** A hold was made: its legs tell what is pending. */
  | {
      readonly type: 'transaction.pending';
      readonly transaction: Transaction;
      readonly progress: Progress;
    }
  /** `transaction` is the capture or the reversal, a transaction of its own; what it is of has progressed. */
  | {
      readonly type: 'transaction.captured' | 'transaction.reversed';
      readonly transaction: Transaction;
      readonly progressed: readonly Progressed[];
    }
  /** `transaction` is the hold, and its legs are what is released; of one that is extended, nothing. */
  | {
      readonly type: 'transaction.voided' | 'transaction.expired' | 'transaction.extended';
      readonly transaction: Transaction;
      readonly progress: Progress;
    };

/** Settings of the ledger as a whole. */
export type SettingEvent =
  | {
      readonly type: 'exchange-rate.set';
      readonly from: string;
      readonly to: string;
      /** Major units of `to` for one of `from`, as a decimal. */
      readonly rate: string;
    }
  | {
      readonly type: 'currency.added';
      readonly code: string;
      /** Decimals of its minor unit. */
      readonly exponent: number;
      readonly name: string;
    }
  | {
      readonly type: 'period.closed';
      /** As it was asked for: a day or a moment. */
      readonly through: string;
      /** Microseconds since 1970: nothing may take effect before. */
      readonly closedBefore: bigint;
    };

export type EventType = DomainEvent['type'];

/** The types of events by what they are about: an account, a transaction, the ledger as a whole. */
export const accountEventTypes = ['account.opened', 'account.updated', 'account.closed'] as const;
export const transactionEventTypes = [
  'transaction.posted',
  'transaction.pending',
  'transaction.captured',
  'transaction.reversed',
  'transaction.voided',
  'transaction.expired',
  'transaction.extended',
] as const;
export const settingEventTypes = ['exchange-rate.set', 'currency.added', 'period.closed'] as const;

export function isAccountEvent(event: DomainEvent): event is AccountEvent {
  return 'account' in event;
}

export function isTransactionEvent(event: DomainEvent): event is TransactionEvent {
  return 'transaction' in event;
}

/** What a leg of an event does to its account. */
export type LegEffect = 'post' | 'hold' | 'capture' | 'release' | 'none';

const effects: Readonly<Record<TransactionEvent['type'], LegEffect>> = {
  'transaction.posted': 'post',
  'transaction.pending': 'hold',
  'transaction.captured': 'capture',
  'transaction.reversed': 'post',
  'transaction.voided': 'release',
  'transaction.expired': 'release',
  'transaction.extended': 'none',
};

export function effectOf(type: TransactionEvent['type']): LegEffect {
  return effects[type];
}

/** Which transactions have come further by an event, and how far: itself, those it is of, or both. */
export function progressOf(event: TransactionEvent): readonly Progressed[] {
  if ('progressed' in event) return event.progressed;
  if (!('progress' in event)) return [];
  return [{ transactionId: event.transaction.transactionId, progress: event.progress }];
}
