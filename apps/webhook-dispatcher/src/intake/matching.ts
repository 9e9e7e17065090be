import type { ReadEvent } from './read-message.js';

/** What an endpoint asks for. */
export interface Interest {
  /** `transaction.posted`, `transaction.*` or `*`. */
  readonly eventTypes: readonly string[];
  /** Empty: all. */
  readonly accountIds: readonly string[];
  /** Set: only events that touch this owner's accounts. */
  readonly ownerId: string | null;
}

type Matched = Pick<ReadEvent, 'type' | 'accountIds' | 'ownerIds'>;

export function isWanted({ eventTypes, accountIds, ownerId }: Interest, event: Matched): boolean {
  return (
    eventTypes.some((pattern) => isOfType(pattern, event.type)) &&
    (accountIds.length === 0 || event.accountIds.some((id) => accountIds.includes(id))) &&
    (ownerId === null || event.ownerIds.includes(ownerId))
  );
}

function isOfType(pattern: string, type: string): boolean {
  return pattern.endsWith('*') ? type.startsWith(pattern.slice(0, -1)) : type === pattern;
}

/** The same patterns for LIKE. */
export function likePatterns(eventTypes: readonly string[]): string[] {
  return eventTypes.map((pattern) => {
    const isPrefix = pattern.endsWith('*');
    const text = isPrefix ? pattern.slice(0, -1) : pattern;
    return text.replace(/[\\%_]/g, (character) => `\\${character}`) + (isPrefix ? '%' : '');
  });
}

/** The accounts in whose lanes an event stands for an ordered endpoint. */
export function lanesOf({ accountIds }: Interest, event: ReadEvent): readonly string[] {
  if (accountIds.length === 0) return event.ownAccountIds;
  return event.accountIds.filter((id) => accountIds.includes(id));
}
