import type { StreamEvent } from './envelope.js';
import { legsOf, readEventContent, renderContent, type EventContent } from './event-content.js';
import type { JournalRecord } from './journal-record.js';
import { eventIdOf, ledgerIdOf } from './type-ids.js';

const everybody = { ownerId: null };

/**
 * The value of a message of `ledger.events.v1`, whole: it is redacted for each subscriber by its legs.
 * Throws UnknownEventVersion for an event of a later release.
 */
export function renderStreamEvent(record: JournalRecord): StreamEvent {
  return streamEventOf(record, readEventContent(record));
}

export function streamEventOf(record: JournalRecord, content: EventContent | null): StreamEvent {
  return {
    version: 1,
    id: eventIdOf(record.id),
    type: record.type,
    ledgerId: ledgerIdOf(record.ledgerId),
    epoch: record.epoch,
    position: record.position,
    occurredAt: record.recordedAt,
    data: renderContent(content, record, everybody),
    legs: legsOf(content),
  };
}
