export { beginJournal } from './begin-journal.js';
export { decodeProgress, type EncodedProgress } from './encoded-parts.js';
export { genesisHash } from './event-chain.js';
export * from './event-codec.js';
export { isTooLarge } from './event-size.js';
export * from './recorded-event.js';
export { Journal, type JournalSettings } from './journal.js';
export { type Difference } from './difference.js';
export { listLedgers } from './list-ledgers.js';
export { raiseEpochs, type RaisedEpoch } from './raise-epochs.js';
export * from './read-events.js';
export { readTransaction, type ReadTransaction } from './read-transaction.js';
export { verifyLedger, type VerifiedLedger } from './verify-ledger.js';
export { type EventObserver } from './fold-events.js';
export { RecomputedState, stateTables, type StateRow, type StateTable } from './recomputed-state.js';
export { replaceState, writeRows, type ReplacedState } from './replace-state.js';
export { systemAccountId } from './system-account-id.js';
export {
  JournalUnavailable,
  systemActor,
  type BatchItem,
  type BatchMode,
  type BatchOutcome,
  type CommittedEvent,
  type ItemBatch,
  type Outcome,
  type UnavailableCode,
  type WriteRequest,
} from './write-request.js';
