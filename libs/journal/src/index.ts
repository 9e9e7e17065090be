export { beginJournal } from './begin-journal.js';
export { genesisHash } from './event-chain.js';
export * from './event-codec.js';
export { Journal, type JournalSettings } from './journal.js';
export { type Difference } from './ledger-fold.js';
export { listLedgers } from './list-ledgers.js';
export * from './read-events.js';
export { verifyLedger, type EventObserver, type VerifiedLedger } from './verify-ledger.js';
export { systemAccountId } from './system-account-id.js';
export {
  JournalUnavailable,
  type CommittedEvent,
  type Outcome,
  type UnavailableCode,
  type WriteRequest,
} from './write-request.js';
