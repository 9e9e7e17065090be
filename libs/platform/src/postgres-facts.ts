import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { Logger } from './logging.js';

/** The database, or what this app may do in it, is not fit for money. */
export class UnfitDatabase extends Error {}

interface DatabaseFacts {
  readonly server_version_num: number;
  readonly fsync: string;
  readonly full_page_writes: string;
  readonly synchronous_commit: string;
  readonly encoding: string;
  readonly folds_case: boolean;
}

const factsSql = `SELECT
  current_setting('server_version_num')::int AS server_version_num,
  current_setting('fsync') AS fsync,
  current_setting('full_page_writes') AS full_page_writes,
  current_setting('synchronous_commit') AS synchronous_commit,
  current_setting('server_encoding') AS encoding,
  'É' ILIKE 'é' AS folds_case`;

/** All connections are taken, or the server is starting, stopping or recovering: it is there, and this passes. */
const notNowCodes = new Set(['53300', '57P03']);
const waitMsMax = 60_000;
const pauseMs = 500;

/** A process that starts while nobody can connect waits for its turn: ended and started again, it would do no more. */
export async function untilConnected(pool: pg.Pool, logger: Logger): Promise<void> {
  const deadlineAt = performance.now() + waitMsMax;
  for (let isTold = false; ; await sleep(pauseMs)) {
    try {
      return void (await pool.query('SELECT'));
    } catch (err) {
      const isPassing = notNowCodes.has((err as { code?: string }).code ?? '');
      if (!isPassing || performance.now() > deadlineAt) throw err;
      if (!isTold) logger.warn({ err }, 'the database takes no connections now; waiting for one');
      isTold = true;
    }
  }
}

/** Refuses to start on a database that could lose a commit or misread text. */
export async function checkPostgres(pool: pg.Pool): Promise<void> {
  const { rows } = await pool.query<DatabaseFacts>(factsSql);
  const facts = rows[0];
  if (!facts) throw new UnfitDatabase('the database tells nothing of its settings');
  for (const setting of ['fsync', 'full_page_writes', 'synchronous_commit'] as const) {
    if (facts[setting] === 'off') throw new UnfitDatabase(`${setting} is off: a crash could lose commits`);
  }
  if (facts.server_version_num < 150_000) throw new UnfitDatabase('Postgres 15 or later is needed');
  if (facts.encoding !== 'UTF8')
    throw new UnfitDatabase(`the database's encoding is ${facts.encoding}, not UTF8`);
  if (!facts.folds_case) {
    throw new UnfitDatabase("the database's locale doesn't know that É and é are one letter; C.UTF-8 does");
  }
}
