import { Inject } from '@nestjs/common';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import type pg from 'pg';
import { readEvents, type EventPage } from '#journal';
import { READ_POOL } from '../database.js';

export class ListEvents extends Query<EventPage> {
  constructor(
    readonly ledgerId: string,
    readonly after: bigint,
    readonly limit: number,
  ) {
    super();
  }
}

@QueryHandler(ListEvents)
export class ListEventsHandler implements IQueryHandler<ListEvents> {
  constructor(@Inject(READ_POOL) private readonly pool: pg.Pool) {}

  execute({ ledgerId, after, limit }: ListEvents): Promise<EventPage> {
    return readEvents(this.pool, ledgerId, after, limit);
  }
}
