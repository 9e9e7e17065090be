import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { extractSnippets, type Snippets } from '../support/guide-snippets.js';
import { secret, signedRequest, signedRequests, type SignedRequest } from '../support/signed-requests.js';

/** The examples of docs/SUBSCRIBING.md that write to Postgres, taken out of the page and run against one. */
let database: TestDatabase;
let pool: pg.Pool;
let snippets: Snippets;

beforeAll(async () => {
  snippets = await extractSnippets('docs/SUBSCRIBING.md');
  database = await createTestDatabase();
  pool = new pg.Pool({ connectionString: database.superuserUrl, max: 4 });
  await pool.query(
    'CREATE TABLE last_places (key text PRIMARY KEY, epoch integer NOT NULL, number bigint NOT NULL)',
  );
  await pool.query(
    'CREATE TABLE received_events (id text PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())',
  );
  await pool.query(
    'CREATE TABLE effects (number bigint GENERATED ALWAYS AS IDENTITY, event_id text NOT NULL)',
  );
});

beforeEach(() => pool.query('TRUNCATE last_places, received_events, effects'));

afterAll(async () => {
  await pool.end();
  await snippets.remove();
  await database.drop();
});

const apply = async (db: pg.ClientBase, event: { id: string }): Promise<void> => {
  await db.query('INSERT INTO effects (event_id) VALUES ($1)', [event.id]);
};

async function effects(): Promise<string[]> {
  const { rows } = await pool.query<{ event_id: string }>('SELECT event_id FROM effects ORDER BY number');
  return rows.map(({ event_id }) => event_id);
}

describe('from the topic', () => {
  let processEvent: (pool: pg.Pool, event: object, effect: typeof apply) => Promise<void>;

  beforeAll(async () => {
    ({ processEvent } = await import(join(snippets.directory, 'consume-events.ts')));
  });

  const event = (epoch: number, position: number, ledgerId = 'ldg_a') => ({
    id: `${ledgerId}@${epoch}:${position}`,
    type: 'transaction.posted',
    ledgerId,
    epoch,
    position: String(position),
  });

  it('drops repeats, also of an old batch, and keeps ledgers apart', async () => {
    for (const [epoch, position, ledger] of [
      [1, 1],
      [1, 2],
      [1, 2],
      [1, 1, 'ldg_b'],
      [1, 3],
      [1, 1],
      [1, 2],
      [1, 3],
      [1, 4],
      [1, 2, 'ldg_b'],
    ] as [number, number, string?][]) {
      await processEvent(pool, event(epoch, position, ledger), apply);
    }
    expect(await effects()).toEqual([
      'ldg_a@1:1',
      'ldg_a@1:2',
      'ldg_b@1:1',
      'ldg_a@1:3',
      'ldg_a@1:4',
      'ldg_b@1:2',
    ]);
  });

  it('stops at a gap and goes on when it has been filled', async () => {
    await processEvent(pool, event(1, 1), apply);
    await expect(processEvent(pool, event(1, 3), apply)).rejects.toThrow('ldg_a jumps from 1 to 3');
    await processEvent(pool, event(1, 2), apply);
    await processEvent(pool, event(1, 3), apply);
    expect(await effects()).toEqual(['ldg_a@1:1', 'ldg_a@1:2', 'ldg_a@1:3']);
  });

  it('goes on after a restore, and drops what comes late from before it', async () => {
    for (const [epoch, position] of [
      [1, 1],
      [1, 2],
      [1, 3],
      [2, 2],
      [1, 3],
      [2, 3],
    ] as const) {
      await processEvent(pool, event(epoch, position), apply);
    }
    expect(await effects()).toEqual(['ldg_a@1:1', 'ldg_a@1:2', 'ldg_a@1:3', 'ldg_a@2:2', 'ldg_a@2:3']);
  });

  it('keeps the place when the effect fails', async () => {
    await processEvent(pool, event(1, 1), apply);
    const failing = async (): Promise<void> => {
      throw new Error('no effect');
    };
    await expect(processEvent(pool, event(1, 2), failing)).rejects.toThrow('no effect');
    await processEvent(pool, event(1, 2), apply);
    expect(await effects()).toEqual(['ldg_a@1:1', 'ldg_a@1:2']);
  });

  it('takes effect once when two consumers get the same at the same time', async () => {
    await Promise.all([1, 2, 3, 4].map(() => processEvent(pool, event(1, 1), apply)));
    expect(await effects()).toEqual(['ldg_a@1:1']);
  });
});

describe('from webhooks', () => {
  let server: Server;
  let effect = apply;

  beforeAll(async () => {
    const { receiver } = (await import(join(snippets.directory, 'receive-webhooks.ts'))) as {
      receiver: (secret: string, pool: pg.Pool, effect: typeof apply) => Server;
    };
    server = receiver(secret, pool, (db, event) => effect(db, event));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });

  beforeEach(() => {
    effect = apply;
  });

  afterAll(() => {
    server.close();
    server.closeAllConnections();
  });

  async function post(request: SignedRequest): Promise<number> {
    const { port } = server.address() as AddressInfo;
    const answer = await fetch(`http://127.0.0.1:${port}/`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...request.headers },
      body: request.body,
    });
    await answer.arrayBuffer();
    return answer.status;
  }

  it('takes what is signed and refuses the rest', async () => {
    const statuses = [];
    for (const [name, request] of signedRequests()) statuses.push([name, await post(request)]);
    expect(statuses).toEqual(signedRequests().map(([name, , isTrusted]) => [name, isTrusted ? 204 : 401]));
    expect(await effects()).toHaveLength(1);
  });

  it('answers a repeat with success and does nothing, also when both come at once', async () => {
    const statuses = await Promise.all([1, 2, 3, 4].map(() => post(signedRequest())));
    expect(statuses).toEqual([204, 204, 204, 204]);
    expect(await effects()).toEqual(['evt_01kaj7m1qhe2xs3c5f8n0p4r6t']);
  });

  it('asks for another attempt when the effect fails, which then counts', async () => {
    const silenced = import.meta.jest.spyOn(console, 'error').mockImplementation(() => undefined);
    effect = async () => {
      throw new Error('no effect');
    };
    expect(await post(signedRequest())).toBe(503);
    silenced.mockRestore();
    effect = apply;
    expect(await post(signedRequest())).toBe(204);
    expect(await effects()).toHaveLength(1);
  });
});
