import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { Load, type Tally } from './load.js';
import { httpRequest } from './transfers.js';

/** What the product leaves free of the 100 connections that Postgres allows by default. */
const POSTGRES_CONNECTIONS_MAX = 48;

export interface PostgresBaseline {
  readonly connections: number;
  readonly transactionsPerSecond: number;
}

export interface PostgresBuild {
  readonly version: string;
  /** As the compiler was told, `-O2` or `-Os`; absent where the role may not know. */
  readonly optimisation: string | undefined;
}

/** What of Postgres makes equal work cost more or less. */
export async function postgresBuild(url: string): Promise<PostgresBuild> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ version: string; isAllowed: boolean }>(
      `SELECT current_setting('server_version') AS version,
        has_function_privilege('pg_config()', 'EXECUTE') AS "isAllowed"`,
    );
    const { version, isAllowed } = rows[0]!;
    return { version, optimisation: isAllowed ? await optimisationOf(client) : undefined };
  } finally {
    await client.end();
  }
}

async function optimisationOf(client: pg.Client): Promise<string | undefined> {
  const { rows } = await client.query<{ flags: string }>(
    "SELECT setting AS flags FROM pg_config() WHERE name = 'CFLAGS'",
  );
  return rows[0]?.flags.match(/-O\S*/g)?.at(-1);
}

/** How fast the product answers when it has nothing to do. */
export async function healthBaseline(url: string, connections: number, seconds: number): Promise<Tally> {
  const request = httpRequest('GET /health/live', 'none');
  const load = new Load(url, connections, { next: () => request }, 200);
  await sleep(500);
  load.take();
  await sleep(seconds * 1000);
  const tally = load.take();
  await load.finish();
  return tally;
}

/** How fast the same Postgres is with the simplest durable write: one row, one commit, per connection in turn. */
export async function postgresBaseline(
  superuserUrl: string,
  connections: number,
  seconds: number,
): Promise<PostgresBaseline> {
  const database = `bench_${randomBytes(6).toString('hex')}`;
  const superuser = new pg.Client({ connectionString: superuserUrl });
  await superuser.connect();
  try {
    await superuser.query(`CREATE DATABASE ${database}`);
    const url = new URL(superuserUrl);
    url.pathname = `/${database}`;
    const count = Math.min(connections, POSTGRES_CONNECTIONS_MAX);
    return { connections: count, transactionsPerSecond: await insertRows(url.href, count, seconds) };
  } finally {
    await superuser.query(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
    await superuser.end();
  }
}

async function insertRows(url: string, connections: number, seconds: number): Promise<number> {
  const clients = Array.from({ length: connections }, () => new pg.Client({ connectionString: url }));
  try {
    await Promise.all(clients.map((client) => client.connect()));
    await clients[0]?.query(
      'CREATE TABLE baseline (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, amount bigint NOT NULL)',
    );
    let inserted = 0;
    const startedAt = performance.now();
    const isOver = (): boolean => performance.now() - startedAt > seconds * 1000;
    await Promise.all(
      clients.map(async (client) => {
        while (!isOver()) {
          await client.query({
            name: 'insert',
            text: 'INSERT INTO baseline (amount) VALUES ($1)',
            values: [inserted],
          });
          inserted += 1;
        }
      }),
    );
    return inserted / ((performance.now() - startedAt) / 1000);
  } finally {
    await Promise.all(clients.map((client) => client.end()));
  }
}
