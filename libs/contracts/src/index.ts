export { renderAccount, renderBalances } from './account.js';
export * from './cloud-event.js';
export * from './envelope.js';
export { renderEventData, UnknownEventVersion } from './event-content.js';
export { eventTypes, type EventTypeDescription } from './event-types.js';
export * from './journal-record.js';
export {
  accountSchema,
  balanceAfterSchema,
  balanceProperties,
  balancesAfter,
  postingSchema,
  transactionProperties,
  transactionStatuses,
  transactionTypes,
} from './resource-schemas.js';
export {
  accountIdPattern,
  accountReference,
  accountReferencePattern,
  amount,
  currency,
  exampleIds,
  metadata,
  signedAmount,
} from './schema-parts.js';
export { renderStreamEvent } from './stream-event.js';
export { cloudEventHeadersOf, renderTopicMessages } from './topic-messages.js';
export * from './topics.js';
export { renderErasedTransaction, renderTransaction } from './transaction.js';
export * from './type-ids.js';
export { isHidden, mayAskFor, type Party, type Reader } from './visibility.js';
export * from './webhook-body.js';
