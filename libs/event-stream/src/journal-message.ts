import { cloudEventHeadersOf, ledgerIdOf, renderStreamEvent, type JournalRecord } from '#contracts';
import type { StreamMessage } from './event-stream.js';

/**
 * A journal event as the topic carries it. One that this release can't render has no value: the subscriber keeps
 * it aside, and it is never passed over.
 */
export function messageOf(record: JournalRecord): StreamMessage {
  const key = ledgerIdOf(record.ledgerId);
  const origin = `journal ${key}@${record.epoch}:${record.position}`;
  try {
    const event = renderStreamEvent(record);
    const headers = { ...cloudEventHeadersOf(record, event.legs) };
    return { key, headers, value: JSON.stringify(event), unreadable: null, origin };
  } catch (error) {
    const headers = { ...cloudEventHeadersOf(record, []) };
    return { key, headers, value: null, unreadable: (error as Error).message, origin };
  }
}
