import pg from 'pg';
import { createPostgresPool, type Page, type PageRequest, readSession } from '#platform';
import { listsProjection } from '../../apps/ledger/src/projections/lists-projection.js';
import { takeTurn, type TurnOutcome } from '../../apps/ledger/src/projections/projection-turn.js';
import { workerSession } from '../../apps/ledger/src/projections/sessions.js';
import { createTestDatabase, type TestDatabase } from './database.js';

export interface ListDatabase {
  readonly database: TestDatabase;
  readonly superuser: pg.Client;
  /** As the app reads, and as it projects. */
  readonly readPool: pg.Pool;
  readonly workerPool: pg.Pool;
  /** Up to the head. */
  project(ledgerId: string): Promise<void>;
  turn(ledgerId: string, eventsMax?: number): Promise<TurnOutcome>;
  drop(): Promise<void>;
}

export async function createListDatabase(): Promise<ListDatabase> {
  const database = await createTestDatabase();
  const superuser = new pg.Client({ connectionString: database.superuserUrl, options: '-c timezone=UTC' });
  await superuser.connect();
  const pool = (applicationName: string, session: Readonly<Record<string, string>>) =>
    createPostgresPool({
      url: database.ledgerUrl,
      applicationName,
      connectionsMax: 4,
      session,
      onError: () => undefined,
    });
  const [readPool, workerPool] = [pool('test-read', readSession), pool('test-worker', workerSession)];
  const turn = (ledgerId: string, eventsMax = 2_000) =>
    takeTurn(workerPool, ledgerId, listsProjection, eventsMax);
  return {
    database,
    superuser,
    readPool,
    workerPool,
    turn,
    async project(ledgerId) {
      while ((await turn(ledgerId)).isBehind);
    },
    async drop() {
      await Promise.all([readPool.end(), workerPool.end(), superuser.end()]);
      await database.drop();
    },
  };
}

export function pageRequest(changes: Partial<PageRequest> = {}): PageRequest {
  return {
    limit: 100,
    number: changes.cursor == null ? 1 : null,
    cursor: null,
    wantsTotal: false,
    ...changes,
  };
}

export type ReadPage<T> = (request: PageRequest) => Promise<Page<T>>;

const pagesMax = 1_000;

/** All items of a list, page by page through the cursors; what a list says of itself is checked on the way. */
export async function walkByCursor<T>(
  read: ReadPage<T>,
  limit: number,
  betweenPages: () => Promise<void> = async () => undefined,
): Promise<T[]> {
  const items: T[] = [];
  let request = pageRequest({ limit });
  for (let pages = 0; pages < pagesMax; pages++) {
    const page = await read(request);
    items.push(...page.items);
    expect(page.items.length).toBeLessThanOrEqual(limit);
    expect(page.hasMore).toBe(page.nextCursor !== null);
    if (page.nextCursor === null) return items;
    request = pageRequest({ limit, cursor: page.nextCursor });
    await betweenPages();
  }
  throw new Error(`a list did not end within ${pagesMax} pages`);
}

export async function walkByNumber<T>(read: ReadPage<T>, limit: number): Promise<T[]> {
  const items: T[] = [];
  for (let number = 1; number <= pagesMax; number++) {
    const page = await read(pageRequest({ limit, number }));
    items.push(...page.items);
    expect(page.number).toBe(number);
    if (!page.hasMore) return items;
  }
  throw new Error(`a list did not end within ${pagesMax} pages`);
}
