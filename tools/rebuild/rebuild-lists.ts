import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { listsProjectionIn } from '../../apps/ledger/src/projections/lists-projection.js';
import { projectionsSchema } from '../../apps/ledger/src/projections/projection.js';
import { readAhead } from '../../apps/ledger/src/projections/projection-turn.js';
import { retryParked } from '../../apps/ledger/src/projections/scan-ledgers.js';
import { workerSession } from '../../apps/ledger/src/projections/sessions.js';
import { createPostgresPool, inTransaction } from '#platform';
import { CannotStart } from '../start/cannot-start.js';
import { compareEvents } from './compare-events.js';
import type { ComparedRows, RowDifference } from './compared-rows.js';
import {
  compareTable,
  differencesOfTable,
  mendCheckpoints,
  readPositions,
  type ReadPosition,
} from './scan-rebuilt.js';
import { holdersOf, IsLocked, keepVacuumOff, stopTurns, swapTables } from './swap-tables.js';
import { copyTables, rebuildSchema, refuseDifferences, type CopiedTable } from './table-copies.js';

export interface RebuildSettings {
  readonly eventsPerTurnMax: number;
  /** So many may be left when turns are stopped, and may be compared while they are. */
  readonly tailEventsMax: number;
  /** Turns are stopped for no longer; else they go on, and it is tried again. */
  readonly stoppedMsMax: number;
  readonly turnsWaitMs: number;
  /** Shorter than deadlock_timeout, for all tables together. */
  readonly tableWaitMs: number;
  readonly vacuumWaitMs: number;
  readonly triesMax: number;
  readonly retryMs: number;
  readonly differencesMax: number;
  readonly reportEveryMs: number;
}

export const rebuildDefaults: RebuildSettings = {
  eventsPerTurnMax: 2_000,
  tailEventsMax: 2_000,
  stoppedMsMax: 2_000,
  turnsWaitMs: 800,
  tableWaitMs: 100,
  vacuumWaitMs: 10_000,
  triesMax: 300,
  retryMs: 1_000,
  differencesMax: 10,
  reportEveryMs: 1_000,
};

export interface RebuildOptions {
  /** Where something differs: what was built takes the place of what is read. */
  readonly repair: boolean;
  readonly tell: (line: string) => void;
  readonly settings?: Partial<RebuildSettings>;
}

export interface RebuiltLists {
  readonly isSwapped: boolean;
  readonly ledgers: number;
  readonly events: number;
  /** All rows, per table and ledger, at one position of each. */
  readonly rows: readonly ComparedRows[];
  /** The first of them. */
  readonly differences: readonly RowDifference[];
  readonly differing: number;
  readonly buildMs: number;
  readonly compareMs: number;
  /** How long turns of the projection stood still for the swap, and reads as well. */
  readonly turnsStoppedMs: number;
  readonly readsStoppedMs: number;
  readonly tries: number;
}

/** Session lock of whoever builds a projection again in this database. */
const REBUILD_LOCK = 7_165_901_347;
const projection = listsProjectionIn(rebuildSchema);

/**
 * Builds the tables of the lists again, beside those that are read, from the journal: with the statements of the
 * projection itself, in turns, no ledger further than the projection has come. Then all rows are compared, as of one
 * moment at which both had come equally far, and, what came after it, under the lock of the swap. What is read is
 * untouched until the one transaction that swaps; a run that was killed leaves its own schema behind, which the next
 * one drops: what is there isn't trusted.
 *
 * Locks are taken in the order in which turns take them, checkpoints first, and waits for them are short, because
 * whoever comes later waits behind. The owner's URL must not go through a pooler that shares sessions.
 */
export async function rebuildLists(ownerUrl: string, options: RebuildOptions): Promise<RebuiltLists> {
  const pool = createPostgresPool({
    url: ownerUrl,
    applicationName: 'ledger-rebuild',
    connectionsMax: 1,
    session: workerSession,
    onError: () => undefined,
  });
  const clients = ['ledger-rebuild-swap', 'ledger-rebuild-compare'].map((name) => {
    const client = new pg.Client({
      connectionString: ownerUrl,
      application_name: name,
      options: '-c timezone=UTC',
      keepAlive: true,
    });
    // A connection lost between two queries is reported by the next query.
    client.on('error', () => undefined);
    return client;
  });
  const [owner, comparer] = clients as [pg.Client, pg.Client];
  try {
    await Promise.all(clients.map((client) => client.connect()));
    const { rows } = await owner.query<{ is_mine: boolean }>('SELECT pg_try_advisory_lock($1) AS is_mine', [
      REBUILD_LOCK,
    ]);
    if (!rows[0]?.is_mine)
      throw new CannotStart('Another run is building a projection again in this database.');
    return await new Rebuild(pool, owner, comparer, options).run().catch((error: unknown) => {
      throw refusalByDependents(error);
    });
  } finally {
    await Promise.allSettled([pool.end(), ...clients.map((client) => client.end())]);
  }
}

class Rebuild {
  private readonly settings: RebuildSettings;
  private tables: readonly CopiedTable[] = [];
  /** Up to where each ledger is built, and up to where it is compared. */
  private readonly built = new Map<string, bigint>();
  private readonly compared = new Map<string, bigint>();
  private events = 0;
  private tries = 0;
  private reportedAt = performance.now();
  private reportedEvents = 0;
  private differing = 0;
  private readonly differences: RowDifference[] = [];

  constructor(
    private readonly pool: pg.Pool,
    /** Has the lock of the run, so that nothing is swapped when that is lost. */
    private readonly owner: pg.Client,
    private readonly comparer: pg.Client,
    private readonly options: RebuildOptions,
  ) {
    this.settings = { ...rebuildDefaults, ...options.settings };
  }

  async run(): Promise<RebuiltLists> {
    const startedAt = performance.now();
    this.tables = await inOwnTransaction(this.owner, {}, () =>
      copyTables(this.owner, projectionsSchema, projection.tables),
    );
    await this.follow();
    // For the plans of lists, which had statistics before, and so that no vacuum is due at the swap.
    for (const { name } of this.tables) await this.owner.query(`VACUUM (ANALYZE) ${rebuildSchema}.${name}`);
    const builtAt = performance.now();
    const rows = await this.compareAll();
    const swap = this.isWanted() ? await this.swap() : null;
    if (swap === null) await this.owner.query(`DROP SCHEMA IF EXISTS ${rebuildSchema} CASCADE`);
    return {
      isSwapped: swap !== null,
      ledgers: this.built.size,
      events: this.events,
      rows,
      differences: this.differences.slice(0, this.settings.differencesMax),
      differing: this.differing,
      buildMs: builtAt - startedAt,
      compareMs: performance.now() - builtAt - (swap?.turnsStoppedMs ?? 0),
      turnsStoppedMs: swap?.turnsStoppedMs ?? 0,
      readsStoppedMs: swap?.readsStoppedMs ?? 0,
      tries: this.tries,
    };
  }

  private isWanted(): boolean {
    return this.differing === 0 || this.options.repair;
  }

  private uncompared(): number {
    return [...this.built].reduce((sum, [id, at]) => sum + Number(at - (this.compared.get(id) ?? 0n)), 0);
  }

  /** Until little is left, or no less than before: what is read grows on meanwhile. */
  private async follow(): Promise<void> {
    for (let before = Infinity; ;) {
      const behind = this.behind(await readPositions(this.pool, projection.name));
      const left = eventsIn(behind);
      if (left <= this.settings.tailEventsMax / 4 || left >= before) return;
      await this.build(behind, left);
      before = left;
    }
  }

  private behind(positions: readonly ReadPosition[]): Behind[] {
    return positions.flatMap(({ ledgerId, position, head }) => {
      const [from, target] = [this.built.get(ledgerId) ?? 0n, position < head ? position : head];
      if (target === from) this.built.set(ledgerId, from);
      if (target < from)
        throw new CannotStart(`The lists of ledger ${ledgerId} went back while they were built.`);
      return target > from ? [{ ledgerId, from, target }] : [];
    });
  }

  private async build(behind: readonly Behind[], left: number): Promise<void> {
    const step = BigInt(this.settings.eventsPerTurnMax);
    let leftNow = left;
    for (const { ledgerId, from, target } of behind) {
      for (let after = from; after < target;) {
        const upTo = target - after > step ? after + step : target;
        await inTransaction(this.pool, (db) => buildRange(db, ledgerId, after, upTo));
        this.built.set(ledgerId, upTo);
        this.events += Number(upTo - after);
        leftNow -= Number(upTo - after);
        after = upTo;
        this.reportProgress(leftNow);
      }
    }
  }

  private reportProgress(left: number): void {
    const now = performance.now();
    const elapsedMs = now - this.reportedAt;
    if (elapsedMs < this.settings.reportEveryMs) return;
    const perSecond = ((this.events - this.reportedEvents) * 1_000) / elapsedMs;
    const all = this.events + left;
    this.options.tell(
      `${count(this.events)} of ${count(all)} events (${Math.floor((100 * this.events) / all)} %), ` +
        `${count(perSecond)} events/s, ${count(left)} behind`,
    );
    this.reportedAt = now;
    this.reportedEvents = this.events;
  }

  private async compareAll(): Promise<ComparedRows[]> {
    return await this.compareAtOneMoment(async () => {
      const all: ComparedRows[] = [];
      for (const table of this.tables) {
        const rows = await compareTable(this.comparer, table);
        const differing = rows.reduce((sum, row) => sum + row.differing, 0);
        const { differencesMax } = this.settings;
        if (differing > 0) {
          const differences = await differencesOfTable(this.comparer, table, differencesMax);
          this.note({ differing, differences });
        }
        const [read, rebuilt] = [
          rows.reduce((sum, row) => sum + row.read, 0),
          rows.reduce((sum, row) => sum + row.rebuilt, 0),
        ];
        this.options.tell(
          `compared ${projectionsSchema}.${table.name}: ${count(read)} rows, ${count(rebuilt)} built again, ${count(differing)} differ`,
        );
        all.push(...rows);
      }
      return all;
    });
  }

  /** A snapshot in which what is read and what is built have come to the same positions; turns stop for a moment. */
  private async compareAtOneMoment<T>(compare: () => Promise<T>): Promise<T> {
    await this.whileStopped(
      () => this.follow(),
      async () => {
        await this.comparer.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
        await this.comparer.query(
          "SET LOCAL work_mem = '64MB'; SET LOCAL jit = off; SELECT pg_current_snapshot()",
        );
      },
    );
    const reached = new Map(this.built);
    const result = await compare();
    await this.comparer.query('COMMIT');
    for (const [ledgerId, position] of reached) this.compared.set(ledgerId, position);
    return result;
  }

  /** Comparing takes its time, in which the lists went on: what has come since is compared until it is little. */
  private async followAndCompare(): Promise<void> {
    await this.follow();
    for (let before = Infinity; this.uncompared() > this.settings.tailEventsMax / 2;) {
      if (this.uncompared() >= before) return;
      before = this.uncompared();
      this.note(await this.compareAtOneMoment(() => this.compareTail(this.comparer)));
      await this.follow();
    }
  }

  /** What isn't compared yet, up to where it is built. */
  private async compareTail(db: pg.ClientBase): Promise<Found> {
    const step = BigInt(this.settings.eventsPerTurnMax);
    const found: Found[] = [];
    for (const [ledgerId, upTo] of [...this.built]) {
      for (let after = this.compared.get(ledgerId) ?? 0n; after < upTo; after += step) {
        const range = { after, upTo: upTo - after > step ? after + step : upTo };
        found.push(await compareEvents(db, this.tables, ledgerId, range, this.settings.differencesMax));
      }
    }
    return {
      differing: found.reduce((sum, { differing }) => sum + differing, 0),
      differences: found.flatMap(({ differences }) => differences),
    };
  }

  private note({ differing, differences }: Found): void {
    this.differing += differing;
    this.differences.push(...differences);
    this.differences.splice(this.settings.differencesMax);
  }

  /** Null: what came at last differs, and nothing was swapped. */
  private async swap(): Promise<Swapped | null> {
    const swapped = await this.whileStopped(
      () => this.followAndCompare(),
      async () => {
        const stoppedAt = performance.now();
        const uncompared = this.uncompared();
        if (uncompared > 2 * this.settings.tailEventsMax) {
          throw new IsLocked(`${count(uncompared)} events were left to compare`);
        }
        const found = await this.compareTail(this.owner);
        if (found.differing > 0 && !this.options.repair) return { found, stoppedAt, lockedAt: null };
        if (this.options.repair) {
          await mendCheckpoints(this.owner, projection.name);
          await retryParked(this.owner, projection.name);
        }
        const lockedAt = performance.now();
        await swapTables(this.owner, projection.tables, this.settings.tableWaitMs);
        return { found, stoppedAt, lockedAt };
      },
    );
    const { found, stoppedAt, lockedAt } = swapped;
    this.note(found);
    if (lockedAt === null) return null;
    const endedAt = performance.now();
    return { turnsStoppedMs: endedAt - stoppedAt, readsStoppedMs: endedAt - lockedAt };
  }

  /**
   * Does the work at a moment at which no turn runs and all is built that is read, in the transaction that stops the
   * turns. Where that can't be had at once, all go on, and it is prepared and tried again.
   */
  private async whileStopped<T>(prepare: () => Promise<void>, work: () => Promise<T>): Promise<T> {
    const { triesMax, retryMs } = this.settings;
    for (let tries = 1; ; tries++) {
      await prepare();
      try {
        return await this.tryWhileStopped(work);
      } catch (error) {
        if (!(error instanceof IsLocked)) throw error;
        const holders = await holdersOf(this.owner, projection.tables);
        if (tries >= triesMax) throw new CannotStart(refusalOf(error, tries, holders));
        if (tries % 10 === 1) this.options.tell(`waiting: ${refusalOf(error, tries, holders)}`);
        await sleep(retryMs);
      }
    }
  }

  private async tryWhileStopped<T>(work: () => Promise<T>): Promise<T> {
    const { stoppedMsMax, turnsWaitMs, vacuumWaitMs, tailEventsMax } = this.settings;
    this.tries++;
    // If this process is frozen, Postgres gives back what it has locked.
    const settings = { idle_in_transaction_session_timeout: `${5 * stoppedMsMax}`, synchronous_commit: 'on' };
    return await inOwnTransaction(this.owner, settings, async () => {
      await keepVacuumOff(this.owner, projection.tables, vacuumWaitMs);
      // What keeps vacuum off keeps migrations off as well.
      await refuseDifferences(this.owner, projectionsSchema, projection.tables);
      await stopTurns(this.owner, turnsWaitMs);
      const stoppedAt = performance.now();
      const behind = this.behind(await readPositions(this.owner, projection.name));
      const left = eventsIn(behind);
      if (left > tailEventsMax) throw new IsLocked(`${count(left)} events were left to build`);
      await this.build(behind, left);
      if (performance.now() - stoppedAt > stoppedMsMax) throw new IsLocked('building the rest took too long');
      return await work();
    });
  }
}

interface Found {
  readonly differing: number;
  readonly differences: readonly RowDifference[];
}

interface Swapped {
  readonly turnsStoppedMs: number;
  readonly readsStoppedMs: number;
}

interface Behind {
  readonly ledgerId: string;
  readonly from: bigint;
  readonly target: bigint;
}

function eventsIn(behind: readonly Behind[]): number {
  return behind.reduce((sum, { target, from }) => sum + Number(target - from), 0);
}

function refusalOf(error: IsLocked, tries: number, holders: readonly string[]): string {
  const who = holders.length === 0 ? '' : ` In the way: ${holders.join('; ')}.`;
  return `the swap could not be made (${error.message}; ${tries} ${tries === 1 ? 'try' : 'tries'}); nothing was changed.${who}`;
}

/** Views and the like would go on with the tables as they were. */
function refusalByDependents(error: unknown): unknown {
  const { code, detail = '' } = error as { code?: string; detail?: string };
  if (code !== '2BP01') return error;
  return new CannotStart(`The tables can't be swapped, because something depends on them: ${detail}`);
}

async function buildRange(db: pg.ClientBase, ledgerId: string, after: bigint, upTo: bigint): Promise<void> {
  const { unknown } = await readAhead(db, ledgerId, projection, after, Number(upTo - after));
  if (unknown) {
    throw new CannotStart(
      `Ledger ${ledgerId}, position ${unknown.position}: ${unknown.event} is not known to this release, though the ` +
        'lists have gone past it. Use the newest release that is running.',
    );
  }
  await projection.project(db, ledgerId, { after, upTo });
}

async function inOwnTransaction<T>(
  client: pg.Client,
  settings: Readonly<Record<string, string>>,
  work: () => Promise<T>,
): Promise<T> {
  const local = Object.entries(settings).map(([name, value]) => `; SET LOCAL ${name} = '${value}'`);
  await client.query(`BEGIN${local.join('')}`);
  try {
    const result = await work();
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
