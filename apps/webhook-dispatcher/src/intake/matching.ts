import { isHidden, type Party } from '#contracts';
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

type Matched = Pick<ReadEvent, 'type' | 'parties' | 'ownerIds'>;

/** An account that an event doesn't show to the endpoint's owner is not found in it either. */
export function isWanted({ eventTypes, accountIds, ownerId }: Interest, event: Matched): boolean {
  const isNamed = (party: Party) => accountIds.includes(party.accountId) && !isHidden(party, { ownerId });
  return (
    eventTypes.some((pattern) => isOfType(pattern, event.type)) &&
    (accountIds.length === 0 || event.parties.some(isNamed)) &&
    (ownerId === null || event.ownerIds.includes(ownerId))
  );
}

/**
 * The same of a stored event, by its legs.
 * @param value SQL of the event's value
 * @param accountIds SQL of an array of `acc_…`
 * @param ownerId SQL of a text
 */
export function showsAnyOfSql(value: string, accountIds: string, ownerId: string): string {
  return `EXISTS (SELECT FROM json_to_recordset(${value} -> 'legs')
      AS l("accountId" text, system text, "ownerId" text, visibility text)
    WHERE l."accountId" = ANY (${accountIds})
      AND (l.system IS NOT NULL OR l."ownerId" = ${ownerId} OR l.visibility IN ('public', 'unlisted')))`;
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
