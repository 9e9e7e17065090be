export { renderAccount, renderBalances } from './account.js';
export * from './cloud-event.js';
export * from './envelope.js';
export { renderEventData, UnknownEventVersion } from './event-content.js';
export { eventTypes, type EventTypeDescription } from './event-types.js';
export * from './journal-record.js';
export {
  accountSchema,
  balanceProperties,
  currencySchema,
  exchangeRateSchema,
  periodSchema,
} from './resource-schemas.js';
export {
  accountIdPattern,
  accountReference,
  accountReferencePattern,
  amount,
  currency,
  exampleIds,
  exchangeRate,
  metadata,
  signedAmount,
} from './schema-parts.js';
export { type Exchange, type Leg, type TransactionState } from './postings.js';
export type { ProgressState } from './progress.js';
export * from './settings.js';
export { renderStreamEvent } from './stream-event.js';
export { cloudEventHeadersOf, renderTopicMessages } from './topic-messages.js';
export * from './topics.js';
export { renderErasedTransaction, renderTransaction, type ShownTransaction } from './transaction.js';
export { transactionText } from './transaction-text.js';
export {
  balanceAfterSchema,
  balancesAfter,
  optionalTransactionProperties,
  postingSchema,
  transactionProperties,
  transactionStatuses,
  transactionTypes,
} from './transaction-schemas.js';
export * from './type-ids.js';
export { isHidden, mayAskFor, type Party, type Reader } from './visibility.js';
export * from './webhook-body.js';
