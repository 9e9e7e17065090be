import { Inject } from '@nestjs/common';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import type pg from 'pg';
import { eventColumnsSql, readEventRow, readEvents, type EventRow, type RecordedEvent } from '#journal';
import { READ_POOL } from '../database.js';
import { listsProjection } from '../projections/lists-projection.js';
import { ProjectionWaiter } from '../projections/projection-waiter.js';

export interface EventFeedPage {
  readonly events: readonly RecordedEvent[];
  readonly headPosition: bigint;
  /** Nothing that the reader may see stands between the last of the events and this. */
  readonly nextAfter: bigint;
}

/** The journal in order, after a position: all of it, or an owner's part. */
export class ListEvents extends Query<EventFeedPage> {
  constructor(
    readonly ledgerId: string,
    readonly after: bigint,
    readonly limit: number,
    readonly ownerId: string | null,
    readonly consistency: 'strong' | 'eventual',
  ) {
    super();
  }
}

/** The whole is the journal itself and never behind; whose an event is, is known to the lists alone. */
@QueryHandler(ListEvents)
export class ListEventsHandler implements IQueryHandler<ListEvents> {
  constructor(
    @Inject(READ_POOL) private readonly pool: pg.Pool,
    private readonly waiter: ProjectionWaiter,
  ) {}

  async execute({ ledgerId, after, limit, ownerId, consistency }: ListEvents): Promise<EventFeedPage> {
    if (ownerId === null) {
      const { events, headPosition } = await readEvents(this.pool, ledgerId, after, limit);
      return { events, headPosition, nextAfter: events.at(-1)?.position ?? after };
    }
    if (consistency === 'strong') await this.waiter.waitFor(listsProjection.name, ledgerId);
    return await readOwnEvents(this.pool, ledgerId, ownerId, after, limit);
  }
}

/** A page that isn't full goes on where the projection was, so that nobody reads the same emptiness twice. */
async function readOwnEvents(
  db: pg.Pool,
  ledgerId: string,
  ownerId: string,
  after: bigint,
  limit: number,
): Promise<EventFeedPage> {
  type Row = { head: string; checkpoint: string } & (EventRow | { position: null });
  const { rows } = await db.query<Row>({
    name: 'read-own-events',
    text: `SELECT h.position::text AS head, c.position::text AS checkpoint, v.*
      FROM journal.heads h
      JOIN projections.checkpoints c ON c.ledger_id = h.ledger_id AND c.projection = '${listsProjection.name}'
      LEFT JOIN LATERAL (
        SELECT o.position AS key FROM projections.event_owners o
        WHERE o.ledger_id = $1 AND o.owner_id = $2 AND o.position > $3 ORDER BY o.position LIMIT $4
      ) k ON true
      LEFT JOIN LATERAL (
        SELECT ${eventColumnsSql('j')} FROM journal.events j WHERE j.ledger_id = $1 AND j.position = k.key
      ) v ON true
      WHERE h.ledger_id = $1 ORDER BY k.key`,
    values: [ledgerId, ownerId, after, limit],
  });
  const events = rows
    .filter((row): row is { head: string; checkpoint: string } & EventRow => row.position !== null)
    .map(readEventRow);
  const checkpoint = BigInt(rows[0]?.checkpoint ?? '0');
  const last = events.length < limit ? checkpoint : events.at(-1)!.position;
  return {
    events,
    headPosition: BigInt(rows[0]?.head ?? '0'),
    nextAfter: last > after ? last : after,
  };
}
