import type { CloudEventHeaders, TopicMessage } from './cloud-event.js';
import type { EnvelopeLeg, EntryMessage, StreamEvent } from './envelope.js';
import { readEventContent, type EventContent } from './event-content.js';
import type { JournalRecord } from './journal-record.js';
import { streamEventOf } from './stream-event.js';
import { topics } from './topics.js';
import { transactionIdOf } from './type-ids.js';

/**
 * What is published of an event: itself, then one entry per posted leg. An erased event has no legs left, so
 * none of its entries either. Throws UnknownEventVersion for an event of a later release.
 */
export function renderTopicMessages(record: JournalRecord): TopicMessage[] {
  const content = readEventContent(record);
  const event = streamEventOf(record, content);
  const headers = headersOf(record, event);
  const whole = { topic: topics.events, key: event.ledgerId, headers, value: JSON.stringify(event) };
  return [whole, ...entriesOf(event, content).map((entry) => entryMessage(entry, headers))];
}

function headersOf(record: JournalRecord, event: StreamEvent): CloudEventHeaders {
  const subject =
    record.transactionId === null ? event.legs[0]?.accountId : transactionIdOf(record.transactionId);
  return {
    ce_specversion: '1.0',
    ce_id: event.id,
    ce_source: `/ledgers/${event.ledgerId}`,
    ce_type: event.type,
    ...(subject === undefined ? {} : { ce_subject: subject }),
    ce_time: event.occurredAt,
    'content-type': 'application/json',
    ce_epoch: String(event.epoch),
    ce_position: event.position,
    ce_hash: record.hash,
  };
}

function entryMessage(entry: EntryMessage, headers: CloudEventHeaders): TopicMessage {
  return {
    topic: topics.entries,
    key: entry.accountId,
    headers: { ...headers, ce_id: entry.id },
    value: JSON.stringify(entry),
  };
}

function entriesOf(event: StreamEvent, content: EventContent | null): EntryMessage[] {
  if (content?.kind !== 'transaction') return [];
  const { transactionId, reference } = content.transaction;
  return event.legs.filter(isPosted).map((leg) => ({
    version: 1,
    id: `${event.id}.${leg.leg}`,
    ledgerId: event.ledgerId,
    accountId: leg.accountId,
    entryNumber: leg.entryNumber,
    direction: leg.direction,
    amount: leg.amount,
    currency: leg.currency,
    balanceAfter: leg.posted,
    transactionId: transactionIdOf(transactionId),
    eventId: event.id,
    epoch: event.epoch,
    position: event.position,
    reference,
    occurredAt: event.occurredAt,
  }));
}

type PostedLeg = EnvelopeLeg & Pick<EntryMessage, 'direction' | 'amount'> & { readonly posted: string };

function isPosted(leg: EnvelopeLeg): leg is PostedLeg {
  return leg.direction !== null && leg.amount !== null && leg.posted !== null;
}
