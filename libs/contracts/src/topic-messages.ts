import type { CloudEventHeaders, TopicMessage } from './cloud-event.js';
import type { EnvelopeLeg, EntryMessage, StreamEvent } from './envelope.js';
import { readEventContent, type EventContent } from './event-content.js';
import type { JournalRecord } from './journal-record.js';
import { streamEventOf } from './stream-event.js';
import { topics } from './topics.js';
import { eventIdOf, ledgerIdOf, transactionIdOf } from './type-ids.js';

/**
 * What is published of an event: itself, then one entry per posted leg, which those of a hold are not. An erased
 * event has no legs left, so none of its entries either. Throws UnknownEventVersion for an event of a later release.
 */
export function renderTopicMessages(record: JournalRecord): TopicMessage[] {
  const content = readEventContent(record);
  const event = streamEventOf(record, content);
  const headers = cloudEventHeadersOf(record, event.legs);
  const whole = { topic: topics.events, key: event.ledgerId, headers, value: JSON.stringify(event) };
  return [whole, ...entriesOf(event, content).map((entry) => entryMessage(entry, headers))];
}

/** They need no rendering, so that an event of a later release, which has no legs here, has them as well. */
export function cloudEventHeadersOf(record: JournalRecord, legs: readonly EnvelopeLeg[]): CloudEventHeaders {
  const subject = record.transactionId === null ? legs[0]?.accountId : transactionIdOf(record.transactionId);
  return {
    ce_specversion: '1.0',
    ce_id: eventIdOf(record.id),
    ce_source: `/ledgers/${ledgerIdOf(record.ledgerId)}`,
    ce_type: record.type,
    ...(subject === undefined ? {} : { ce_subject: subject }),
    ce_time: record.recordedAt,
    'content-type': 'application/json',
    ce_epoch: String(record.epoch),
    ce_position: record.position,
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
  if (content?.kind !== 'transaction' || !content.isPosted) return [];
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
