import type { EventEnvelope, StreamEvent } from './envelope.js';
import { redact } from './redact.js';
import type { Reader } from './visibility.js';

export interface WebhookBody extends EventEnvelope {
  /** Ids of events before this one on its accounts that were given up: where an endpoint is ordered. */
  readonly skipped?: readonly string[];
}

/**
 * What an endpoint is sent of an event: all but the legs, by which what its owner may not see is taken out. An event
 * without legs touches no account, such as settings of the ledger: its data is for those who are bound to no owner.
 */
export function webhookBodyOf(
  { legs, ...envelope }: StreamEvent,
  reader: Reader,
  skipped: readonly string[] = [],
): WebhookBody {
  const { data } = envelope;
  const isHidden = reader.ownerId !== null && legs.length === 0;
  return {
    ...envelope,
    data: data === null || isHidden ? null : redact(data, legs, reader),
    ...(skipped.length === 0 ? {} : { skipped }),
  };
}
