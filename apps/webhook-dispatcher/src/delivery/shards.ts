import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Logger } from '#platform';
import type { ShardTerm } from './held-terms.js';
import { requeue } from './scan-shards.js';
import { shardCount } from './shard-of.js';

export interface ShardSettings {
  readonly turnMs: number;
  /** After this time without a word the server ends the session, and its shards are free. */
  readonly sessionIdleMsMax: number;
  /** So long after a turn the holder believes that it holds: shorter than the server's patience. */
  readonly leaseMs: number;
  readonly retryMs: number;
  readonly retryMsMax: number;
}

export const shardDefaults: ShardSettings = {
  turnMs: 500,
  sessionIdleMsMax: 10_000,
  leaseMs: 8_000,
  retryMs: 100,
  retryMsMax: 1_000,
};

export interface ShardParts {
  readonly url: string;
  readonly name: string;
  readonly logger: Logger;
  readonly settings?: Partial<ShardSettings>;
  readonly onTaken: (shards: readonly ShardTerm[]) => void;
  /** Its holder writes no more for it: nothing that it still does would be kept. */
  readonly onLost: (shards: readonly number[]) => void;
  /** To be given to another process: resolves when the work on it has ended, within a limit. */
  readonly onHandOver: (shard: number) => Promise<void>;
}

/** Advisory locks with two numbers: the kind and, for shards, the shard; for members, any number of their own. */
const shardLocks = 716_590;
const memberLocks = 716_591;
const queryMsMax = 3_000;
const lockMsMax = 1_500;
const lockTimeout = '55P03';

/**
 * Which of the 64 shards this process works. A shard is held by an advisory lock of one session, so that a dead
 * process holds none, and by a term in its row that each taking raises and every write of its holder names, so
 * that a process that only seemed dead changes nothing. The sessions that hold a member's lock share all shards
 * evenly; who has too many hands some over, who has too few takes what is free, at most half a second later.
 *
 * A frozen process keeps its locks until the server ends its silent session. One that is cut off from the server
 * stops by itself before that.
 */
export class Shards {
  private readonly settings: ShardSettings;
  private readonly held = new Map<number, number>();
  private readonly leaving = new Set<number>();
  private leaseUntilMs = 0;
  private isStopping = false;
  private readonly stopped = new AbortController();
  private running: Promise<void> = Promise.resolve();
  /** The session's last use: a connection takes one query at a time. */
  private lastUse: Promise<unknown> = Promise.resolve();

  constructor(private readonly parts: ShardParts) {
    this.settings = { ...shardDefaults, ...parts.settings };
  }

  start(): void {
    this.running = this.lead();
  }

  /** Lets all go. What was worked on them has been ended by the caller. */
  async stop(): Promise<void> {
    this.isStopping = true;
    this.stopped.abort();
    await this.running;
  }

  /** Whether the holder of this term may still act. */
  holds({ shard, term }: ShardTerm): boolean {
    return this.held.get(shard) === term && performance.now() < this.leaseUntilMs;
  }

  get count(): number {
    return this.held.size;
  }

  private async lead(): Promise<void> {
    const { logger, name } = this.parts;
    for (let failures = 0; !this.isStopping; failures++) {
      const client = this.newClient();
      try {
        await this.leadOn(client, () => (failures = 0));
      } catch (err) {
        if (!this.isStopping) logger.warn({ err, name }, 'the session that holds the shards was lost');
      }
      this.loseAll();
      await client.end().catch(() => undefined);
      const waitMs = Math.min(this.settings.retryMs * 2 ** failures, this.settings.retryMsMax);
      if (!this.isStopping) await sleep(waitMs, undefined, this.stopped).catch(() => undefined);
    }
  }

  private newClient(): pg.Client {
    const client = new pg.Client({
      connectionString: this.parts.url,
      application_name: 'dispatcher-shards',
      keepAlive: true,
      connectionTimeoutMillis: 5_000,
      query_timeout: queryMsMax,
    });
    // Its locks are gone with it, so nothing waits for the next turn.
    client.on('error', () => this.loseAll());
    client.on('end', () => this.loseAll());
    return client;
  }

  private async leadOn(client: pg.Client, onTurn: () => void): Promise<void> {
    await client.connect();
    await client.query(
      `SET idle_session_timeout = ${this.settings.sessionIdleMsMax}; SET lock_timeout = ${lockMsMax};
       SET synchronous_commit = on; SET timezone = 'UTC'; SET jit = off`,
    );
    await client.query('SELECT pg_advisory_lock_shared($1, $2)', [memberLocks, randomInt(2 ** 31)]);
    while (!this.isStopping) {
      await this.inTurn(() => this.turn(client));
      onTurn();
      await sleep(this.settings.turnMs, undefined, this.stopped).catch(() => undefined);
    }
  }

  private inTurn(work: () => Promise<void>): Promise<void> {
    const use = this.lastUse.then(work);
    this.lastUse = use.catch(() => undefined);
    return use;
  }

  private async turn(client: pg.Client): Promise<void> {
    const startedAtMs = performance.now();
    const { members, taken } = await surveyLocks(client);
    this.leaseUntilMs = startedAtMs + this.settings.leaseMs;
    const share = Math.ceil(shardCount / Math.max(members, 1));
    const staying = [...this.held.keys()].filter((shard) => !this.leaving.has(shard));
    if (staying.length > share) {
      for (const shard of staying.slice(share)) this.handOver(client, shard);
    } else if (staying.length < share) {
      const free = Array.from({ length: shardCount }, (_, shard) => shard).filter((s) => !taken.has(s));
      const from = randomInt(shardCount);
      const wanted = [...free.filter((s) => s >= from), ...free.filter((s) => s < from)];
      if (wanted.length > 0) await this.take(client, wanted.slice(0, share - staying.length));
    }
  }

  private async take(client: pg.Client, wanted: readonly number[]): Promise<void> {
    const ours = await tryLocks(client, wanted);
    if (ours.length === 0) return;
    try {
      const terms = await raiseTerms(client, ours, this.parts.name);
      // What the last holder was delivering is due again. A statement of its own: it sees all that was written
      // under the old terms.
      await requeue(client, ours);
      for (const { shard, term } of terms) this.held.set(shard, term);
      this.parts.onTaken(terms);
    } catch (error) {
      if ((error as { code?: string }).code !== lockTimeout) throw error;
      // Somebody's write under the old term takes long; it is tried again.
      await unlock(client, ours);
    }
  }

  private handOver(client: pg.Client, shard: number): void {
    this.leaving.add(shard);
    const term = this.held.get(shard);
    const end = async () => {
      await this.parts.onHandOver(shard);
      // Lost meanwhile, and perhaps taken again: that lock is another one.
      if (this.held.get(shard) !== term) return;
      this.leaving.delete(shard);
      this.held.delete(shard);
      await this.inTurn(() => unlock(client, [shard]));
    };
    end().catch((err: unknown) => this.parts.logger.warn({ err, shard }, 'a shard could not be handed over'));
  }

  private loseAll(): void {
    const shards = [...this.held.keys()];
    this.held.clear();
    this.leaving.clear();
    this.leaseUntilMs = 0;
    if (shards.length > 0) this.parts.onLost(shards);
  }
}

/** How many processes there are, and which shards are held. */
async function surveyLocks(client: pg.Client): Promise<{ members: number; taken: Set<number> }> {
  const { rows } = await client.query<{ members: number; taken: number[] }>({
    name: 'shards-survey',
    text: `SELECT count(*) FILTER (WHERE classid = ${memberLocks})::integer AS members,
        coalesce(array_agg(objid::integer) FILTER (WHERE classid = ${shardLocks}), '{}') AS taken
      FROM pg_locks
      WHERE locktype = 'advisory' AND granted AND objsubid = 2
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND classid IN (${shardLocks}, ${memberLocks})`,
  });
  const [row] = rows;
  return { members: row?.members ?? 1, taken: new Set(row?.taken) };
}

async function tryLocks(client: pg.Client, shards: readonly number[]): Promise<number[]> {
  const { rows } = await client.query<{ shard: number; is_ours: boolean }>({
    name: 'shards-lock',
    text: 'SELECT shard, pg_try_advisory_lock($1, shard) AS is_ours FROM unnest($2::integer[]) AS shard',
    values: [shardLocks, shards],
  });
  return rows.filter((row) => row.is_ours).map(({ shard }) => shard);
}

async function raiseTerms(
  client: pg.Client,
  shards: readonly number[],
  holder: string,
): Promise<ShardTerm[]> {
  const { rows } = await client.query<{ shard: number; term: string }>({
    name: 'shards-raise-terms',
    text: `WITH ours AS (SELECT shard FROM dispatcher.shards WHERE shard = ANY ($1) ORDER BY shard FOR UPDATE)
      UPDATE dispatcher.shards s SET term = s.term + 1, holder = $2 FROM ours WHERE s.shard = ours.shard
      RETURNING s.shard, s.term`,
    values: [shards, holder],
  });
  return rows.map(({ shard, term }) => ({ shard, term: Number(term) }));
}

async function unlock(client: pg.Client, shards: readonly number[]): Promise<void> {
  await client.query({
    name: 'shards-unlock',
    text: 'SELECT pg_advisory_unlock($1, shard) FROM unnest($2::integer[]) AS shard',
    values: [shardLocks, shards],
  });
}
