import type pg from 'pg';
import { outcomesOf, type KeptItem } from './batch-answer.js';
import { decodeEvent } from './event-codec.js';
import { eventColumnsSql, readEventRow, type EventRow } from './recorded-event.js';
import type { CommittedEvent, Outcome } from './write-request.js';

/**
 * An earlier request that had one of the batch's idempotency keys: of a command its events, of a client's batch
 * the outcomes of its items. They are read when they are asked for: an event that a later release wrote can't be,
 * and must fail the command that repeats it, not its batch.
 */
export type EarlierRequest = { readonly requestHash: Buffer } & (
  | { readonly kind: 'command'; readonly readEvents: () => readonly CommittedEvent[] }
  | { readonly kind: 'batch'; readonly readItems: () => readonly Outcome[] }
);

/** Keys of different owners never meet: an idempotency key has no control characters. */
export function requestIdentity(owner: string, key: string): string {
  return `${key}\n${owner}`;
}

/**
 * Earlier requests by their keys: $5 and $6 are their owners and keys. Those of batches come without their events,
 * which may be anywhere.
 */
export const requestsSql = `
  SELECT json_agg(x) FROM (
    SELECT q.owner, q.key, r.request_hash, r.answer, (
      SELECT json_agg(e) FROM (
        SELECT ${eventColumnsSql('v')} FROM journal.events v
        WHERE v.ledger_id = $1 AND v.position BETWEEN r.first_position AND r.last_position AND r.answer IS NULL
        ORDER BY v.position
      ) e
    ) AS events
    FROM unnest($5::text[], $6::text[]) q(owner, key)
    CROSS JOIN LATERAL (
      SELECT encode(request_hash, 'hex') AS request_hash, first_position, last_position, answer FROM journal.requests
      WHERE ledger_id = $1 AND owner = q.owner AND key = q.key OFFSET 0
    ) r
  ) x`;

export interface RequestRow {
  readonly owner: string;
  readonly key: string;
  readonly request_hash: string;
  readonly answer: readonly KeptItem[] | null;
  readonly events: readonly EventRow[] | null;
}

export async function readEarlierRequests(
  client: pg.ClientBase,
  ledgerId: string,
  rows: readonly RequestRow[],
): Promise<Map<string, EarlierRequest>> {
  const answers = rows.flatMap(({ answer }) => answer ?? []);
  const eventAt = answers.length === 0 ? notGathered : await gatherEvents(client, ledgerId, answers);
  return new Map(
    rows.map(({ owner, key, request_hash, answer, events }) => {
      const requestHash = Buffer.from(request_hash, 'hex');
      return [
        requestIdentity(owner, key),
        answer
          ? { kind: 'batch', requestHash, readItems: () => outcomesOf(answer, eventAt) }
          : { kind: 'command', requestHash, readEvents: () => (events ?? []).map(readCommittedEvent) },
      ];
    }),
  );
}

async function gatherEvents(client: pg.ClientBase, ledgerId: string, answers: readonly KeptItem[]) {
  const spans = answers.flatMap((item) => ('refusal' in item ? [] : [item]));
  const { rows } = await client.query<EventRow>({
    name: 'gather-answered-events',
    text: `SELECT e.* FROM unnest($2::bigint[], $3::bigint[]) AS span(first, last) CROSS JOIN LATERAL (
        SELECT ${eventColumnsSql('v')} FROM journal.events v
        WHERE v.ledger_id = $1 AND v.position BETWEEN span.first AND span.last OFFSET 0
      ) e`,
    values: [ledgerId, spans.map(({ first }) => first), spans.map(({ last }) => last)],
  });
  const byPosition = new Map(rows.map((row) => [row.position, row]));
  return (position: bigint): CommittedEvent => {
    const row = byPosition.get(position.toString());
    return row ? readCommittedEvent(row) : notGathered(position);
  };
}

function notGathered(position: bigint): never {
  throw new Error(`the event at position ${position} of an earlier answer is not there`);
}

function readCommittedEvent(row: EventRow): CommittedEvent {
  const recorded = readEventRow(row);
  return {
    position: recorded.position,
    recordedAt: recorded.recordedAt,
    transactionId: recorded.transactionId,
    event: decodeEvent(recorded),
  };
}
