import type { StreamMessage } from '#event-stream';
import { isWanted, lanesOf, type Interest } from './matching.js';
import { orderOf, type LedgerPosition } from './message-order.js';
import { readMessage, type ReadEvent } from './read-message.js';

/** An endpoint as intake sees it. */
export interface ListeningEndpoint extends Interest {
  readonly id: string;
  readonly shard: number;
  readonly isEnabled: boolean;
  readonly ordering: 'none' | 'account';
  readonly createdAtMicros: bigint;
}

export interface IntakeLedger {
  readonly ledgerId: string;
  readonly last: LedgerPosition | null;
  readonly isGapAllowed: boolean;
  readonly isParked: boolean;
  readonly endpoints: readonly ListeningEndpoint[];
}

export interface DecidedDelivery {
  readonly event: ReadEvent;
  readonly endpoint: ListeningEndpoint;
  /** Accounts in whose lanes it waits; none where the endpoint isn't ordered. */
  readonly lanes: readonly string[];
}

export interface KeptMessage {
  readonly message: StreamMessage;
  /** Null for one that only waits behind another. */
  readonly reason: string | null;
}

export interface DecidedIntake {
  readonly ledgerId: string;
  readonly last: LedgerPosition | null;
  readonly isGapAllowed: boolean;
  /** Why the ledger is parked by what came now. */
  readonly parkedBy: string | null;
  readonly events: readonly ReadEvent[];
  readonly deliveries: readonly DecidedDelivery[];
  readonly kept: readonly KeptMessage[];
  readonly repeats: number;
}

/**
 * What becomes of one ledger's messages, in their order: taken in, dropped as a repeat, or kept aside. One that
 * can't be read and one behind a gap park the ledger: they are kept, with all that come after them, until
 * somebody decides.
 */
export function decideIntake(ledger: IntakeLedger, messages: readonly StreamMessage[]): DecidedIntake {
  let { last, isGapAllowed } = ledger;
  let parkedBy: string | null = null;
  let repeats = 0;
  const events: ReadEvent[] = [];
  const deliveries: DecidedDelivery[] = [];
  const kept: KeptMessage[] = [];
  for (const message of messages) {
    const read = readMessage(message);
    const at = 'event' in read ? read.event : read.position;
    const order = at === null ? null : orderOf(last, at);
    if (order === 'repeat') {
      repeats++;
      continue;
    }
    const isParked: boolean = ledger.isParked || parkedBy !== null;
    if (isParked || !('event' in read) || (order === 'gap' && !isGapAllowed)) {
      const reason: string | null = isParked
        ? null
        : 'event' in read
          ? gapReason(last, read.event)
          : read.unreadable;
      parkedBy ??= reason;
      kept.push({ message, reason });
      continue;
    }
    const { event } = read;
    last = { epoch: event.epoch, position: event.position };
    isGapAllowed = false;
    if (ledger.endpoints.length > 0) events.push(event);
    deliveries.push(...fanOut(ledger.endpoints, event));
  }
  return { ledgerId: ledger.ledgerId, last, isGapAllowed, parkedBy, events, deliveries, kept, repeats };
}

function fanOut(endpoints: readonly ListeningEndpoint[], event: ReadEvent): DecidedDelivery[] {
  return endpoints
    .filter(
      (endpoint) =>
        endpoint.isEnabled && event.recordedAtMicros > endpoint.createdAtMicros && isWanted(endpoint, event),
    )
    .map((endpoint) => ({
      event,
      endpoint,
      lanes: endpoint.ordering === 'account' ? lanesOf(endpoint, event) : [],
    }));
}

function gapReason(last: LedgerPosition | null, next: LedgerPosition): string {
  const after = last === null ? 'nothing' : `${last.epoch}:${last.position}`;
  return `a gap: ${next.epoch}:${next.position} came after ${after}`;
}
