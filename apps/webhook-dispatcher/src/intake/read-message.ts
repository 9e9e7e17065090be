import { decodeTypeId, type Party, type StreamEvent } from '#contracts';
import type { StreamMessage } from '#event-stream';
import { parseTimestamp } from '#platform';
import type { LedgerPosition } from './message-order.js';

/** An event as intake needs it: ids are UUIDs. */
export interface ReadEvent extends LedgerPosition {
  readonly eventId: string;
  readonly ledgerId: string;
  readonly type: string;
  readonly recordedAtMicros: bigint;
  readonly recordedAt: string;
  readonly accountIds: readonly string[];
  /** Those that are no system accounts: an ordered endpoint's lanes. */
  readonly ownAccountIds: readonly string[];
  readonly ownerIds: readonly string[];
  /** One for each leg: whose account it is and who may know of it. */
  readonly parties: readonly Party[];
  /** The message's value as it came. */
  readonly value: string;
}

export type ReadMessage =
  { readonly event: ReadEvent } | { readonly unreadable: string; readonly position: LedgerPosition | null };

const typeCharactersMax = 100;
const positionDigitsMax = 18;

/**
 * Checks of a message what the dispatcher builds on: the envelope and the legs. Its type and data may be of a
 * later release; they are matched as text and passed on.
 */
export function readMessage(message: StreamMessage): ReadMessage {
  if (message.value === null) return refuse(message, message.unreadable ?? 'it has no value');
  let value: unknown;
  try {
    value = JSON.parse(message.value);
  } catch {
    return refuse(message, 'its value is not JSON');
  }
  if (typeof value !== 'object' || value === null) return refuse(message, 'its value is no object');
  const event = value as Partial<Record<keyof StreamEvent, unknown>>;
  if (event.version !== 1) return refuse(message, 'its envelope is not of version 1');
  const ledgerId = idOf('ldg', event.ledgerId);
  const eventId = idOf('evt', event.id);
  const position = positionOf(event.epoch, event.position);
  const recordedAtMicros = typeof event.occurredAt === 'string' ? parseTimestamp(event.occurredAt) : null;
  const legs = readLegs(event.legs);
  if (ledgerId === null) return refuse(message, 'its ledgerId is none');
  if (ledgerId !== decodeTypeId('ldg', message.key)) return refuse(message, 'its key is not its ledgerId');
  if (eventId === null) return refuse(message, 'its id is none');
  if (position === null) return refuse(message, 'its epoch or position is none');
  if (recordedAtMicros === null) return refuse(message, 'its occurredAt is none');
  if (!isType(event.type)) return refuse(message, 'its type is none');
  if (typeof event.data !== 'object') return refuse(message, 'its data is neither an object nor null');
  if (legs === null) return refuse(message, 'its legs are not accounts');
  return {
    event: {
      ...position,
      ...legs,
      eventId,
      ledgerId,
      type: event.type,
      recordedAtMicros,
      recordedAt: event.occurredAt as string,
      value: message.value,
    },
  };
}

function refuse({ headers }: StreamMessage, unreadable: string): ReadMessage {
  const { ce_epoch: epoch, ce_position: position } = headers;
  return { unreadable, position: positionOf(epoch === undefined ? undefined : Number(epoch), position) };
}

function idOf(prefix: string, text: unknown): string | null {
  return typeof text === 'string' ? decodeTypeId(prefix, text) : null;
}

function positionOf(epoch: unknown, position: unknown): LedgerPosition | null {
  if (!Number.isInteger(epoch) || (epoch as number) < 1 || (epoch as number) > 2 ** 31 - 1) return null;
  if (typeof position !== 'string' || !/^\d+$/.test(position) || position.length > positionDigitsMax)
    return null;
  return { epoch: epoch as number, position: BigInt(position) };
}

function isType(type: unknown): type is string {
  return typeof type === 'string' && type.length > 0 && type.length <= typeCharactersMax;
}

function readLegs(legs: unknown) {
  if (!Array.isArray(legs)) return null;
  const accountIds = new Set<string>();
  const ownAccountIds = new Set<string>();
  const ownerIds = new Set<string>();
  const parties: Party[] = [];
  for (const leg of legs as readonly unknown[]) {
    if (typeof leg !== 'object' || leg === null) return null;
    const { accountId, system, ownerId, visibility } = leg as Record<string, unknown>;
    const id = idOf('acc', accountId);
    if (id === null) return null;
    accountIds.add(id);
    if (system === null || system === undefined) ownAccountIds.add(id);
    if (typeof ownerId === 'string') ownerIds.add(ownerId);
    parties.push({
      accountId: id,
      system: typeof system === 'string' ? system : null,
      ownerId: typeof ownerId === 'string' ? ownerId : null,
      visibility: visibility === 'public' || visibility === 'unlisted' ? visibility : 'private',
    });
  }
  return {
    accountIds: [...accountIds],
    ownAccountIds: [...ownAccountIds],
    ownerIds: [...ownerIds],
    parties,
  };
}
