import type { Account } from './accounts.js';
import type { PostedTransaction } from './transactions.js';

/** What the journal keeps: facts in the past tense. Account events carry the account as it is after them. */
export type DomainEvent =
  | { readonly type: 'account.opened'; readonly account: Account }
  | { readonly type: 'account.updated'; readonly account: Account }
  | { readonly type: 'account.closed'; readonly account: Account }
  | { readonly type: 'transaction.posted'; readonly transaction: PostedTransaction };

export type EventType = DomainEvent['type'];
