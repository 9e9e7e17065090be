import pg from 'pg';
import { NotAUuid } from '#platform';
import { decideAhead, readBehind, type AheadBatch, type BegunBatch, type LaneParts } from './ahead-batch.js';
import { appendStatement } from './append-batch.js';
import { decideBatch, DoneInPart, StateAheadOfEvents, type DecidedBatch } from './decide-batch.js';
import { EventCopy } from './event-copy.js';
import { lockAndGather, lockHead } from './gather-batch.js';
import { lockTimeoutOf, type QueuedUnit } from './queued-unit.js';

/** How an attempt to commit a batch ended. Only `unknown` leaves open whether it is on disk. */
export type Attempt =
  /** With the batch behind it, where that was decided ahead: to be attempted next, or to be given up. */
  | { readonly kind: 'committed'; readonly batch: DecidedBatch; readonly ahead: AheadBatch | null }
  | { readonly kind: 'unknown'; readonly batch: DecidedBatch; readonly error: Error }
  | { readonly kind: 'not_committed'; readonly isDataError: boolean; readonly error: Error }
  /** It was decided ahead, and not on what was there: it has to be begun anew. */
  | { readonly kind: 'overtaken' };

/**
 * One Postgres transaction: lock, gather, decide, append, commit. Events go out while they are recorded. What needs no
 * answer in between goes out together, so a batch waits for the server twice: lock with gather, append with COMMIT;
 * while it waits for the second, the batch behind it is decided, where that can be. A connection that failed in any way
 * is thrown away, which ends its transaction. Anything that goes wrong before COMMIT is sent is known not to be on
 * disk; afterwards only what the server itself reports is: that it refused to write, or to commit.
 * @param ahead the same batch, where it was decided ahead
 */
export async function attemptBatch(
  parts: LaneParts,
  units: readonly QueuedUnit[],
  ahead: AheadBatch | null,
): Promise<Attempt> {
  let begun: BegunBatch | null = null;
  let decidedBehind: AheadBatch | null = null;
  let sent: DecidedBatch | null = null;
  try {
    begun = ahead ? await ahead.confirm() : await begin(parts, units);
    if (!begun) return { kind: 'overtaken' };
    const { client, head, copy, batch } = begun;
    if (batch.events.length === 0) {
      await client.query('ROLLBACK');
    } else {
      const written = Promise.all([copy.end(), send(client, appendStatement(parts.ledgerId, head, batch))]);
      sent = batch;
      const committed = commit(client);
      // Looked at later, COMMIT last: what was refused before it says why, and COMMIT only that something was.
      for (const answer of [written, committed]) answer.catch(() => undefined);
      decidedBehind = await decideAhead(parts, begun);
      parts.onSent();
      try {
        await written;
      } catch (error) {
        // What the server has refused to write, the COMMIT behind it can't commit.
        if (error instanceof pg.DatabaseError) sent = null;
        throw error;
      }
      await committed;
      remember(parts, begun);
    }
    if (!decidedBehind) client.release();
    return { kind: 'committed', batch, ahead: decidedBehind };
  } catch (cause) {
    const error = cause instanceof Error ? cause : new Error(String(cause));
    parts.memory.forget(parts.ledgerId);
    decidedBehind?.abandon();
    begun?.copy.abandon();
    begun?.client.release(error);
    if (sent && !isReportedByServer(error)) return { kind: 'unknown', batch: sent, error };
    return { kind: 'not_committed', isDataError: isDataError(error), error };
  }
}

async function begin(parts: LaneParts, units: readonly QueuedUnit[]): Promise<BegunBatch> {
  const { pool, memory, ledgerId } = parts;
  const client = await pool.connect();
  const copy = new EventCopy(client, ledgerId);
  try {
    const timeoutMs = lockTimeoutOf(units);
    const { head, gathered, accountsRead } = await lockAndGather(client, ledgerId, timeoutMs, units, memory);
    const read = readBehind(parts, client, 0);
    const batch = decideBatch(ledgerId, head, gathered, units, (event) => copy.write(event));
    return { client, head, copy, state: gathered.state, batch, accountsRead, readBehind: read };
  } catch (error) {
    copy.abandon();
    client.release(true);
    throw error;
  }
}

function remember({ memory, ledgerId }: LaneParts, { head, accountsRead, batch }: BegunBatch): void {
  const { events, settings, touched } = batch;
  const { hash } = events[events.length - 1]!;
  const changed = settings.map(({ account }) => account);
  memory.remember(ledgerId, { writtenBy: head.lockedBy, hash }, [...accountsRead, ...changed, ...touched]);
}

/** @throws at once what it can't be sent for: no COMMIT may follow it then, which would commit the events alone */
function send(client: pg.ClientBase, statement: pg.QueryConfig): Promise<unknown> {
  const failed: Error[] = [];
  const answered = new Promise((resolve, reject) => {
    client.query(statement, (error: Error | null, result) => {
      if (!error) return resolve(result);
      failed.push(error);
      reject(error);
    });
  });
  const [failedAtOnce] = failed;
  if (!failedAtOnce) return answered;
  answered.catch(() => undefined);
  throw failedAtOnce;
}

/**
 * What became of a batch whose COMMIT got no answer. Its first event at its position, with the head behind its last, is
 * proof that it is on disk. That they aren't there proves nothing before the head is locked, which waits for the old
 * connection's transaction to end; after that they never will be.
 */
export async function findCommitted(
  pool: pg.Pool,
  ledgerId: string,
  batch: DecidedBatch,
  lockTimeoutMs: number,
): Promise<boolean> {
  const client = await pool.connect();
  try {
    let isThere = await isOnDisk(client, ledgerId, batch);
    if (!isThere) {
      await lockHead(client, ledgerId, lockTimeoutMs);
      isThere = await isOnDisk(client, ledgerId, batch);
      await client.query('ROLLBACK');
    }
    client.release();
    return isThere;
  } catch (error) {
    client.release(true);
    throw error;
  }
}

async function isOnDisk(client: pg.ClientBase, ledgerId: string, { events }: DecidedBatch): Promise<boolean> {
  const [first, last] = [events.at(0), events.at(-1)];
  if (!first || !last) throw new Error('a batch without events has nothing to find');
  const { rowCount } = await client.query({
    text: `SELECT 1 FROM journal.events e JOIN journal.heads h USING (ledger_id)
      WHERE e.ledger_id = $1 AND e.position = $2 AND e.id = $3 AND h.position >= $4`,
    values: [ledgerId, first.position, first.id, last.position],
  });
  return rowCount === 1;
}

/** In a transaction that has failed, COMMIT succeeds as a statement and rolls back. */
async function commit(client: pg.PoolClient): Promise<void> {
  const { command } = await client.query('COMMIT');
  if (command !== 'COMMIT') throw new CommitRefused(`the server answered COMMIT with ${command}`);
}

class CommitRefused extends Error {}

/** Accounts were not as they were decided on: see journal.append_v4. */
export function isStateMismatch(error: Error): boolean {
  return sqlStateOf(error) === '40001';
}

/** The head was locked for as long as was waited for it. */
export function isLockedOut(error: unknown): boolean {
  return error instanceof Error && sqlStateOf(error) === '55P03';
}

/**
 * Whether the server says that the transaction is rolled back. Judged by SQLSTATE, as the severity comes in the
 * server's language; an error that may have ended the session says nothing of a commit that was under way.
 */
function isReportedByServer(error: Error): boolean {
  return error instanceof CommitRefused || isDataError(error) || sqlStateOf(error).startsWith('40');
}

/**
 * Connection, authorization, transaction, catalog, resource, lock, shutdown, system and internal errors pass or
 * lie with the server; the batch itself is sound.
 */
const passingClasses = new Set(['08', '25', '28', '3D', '40', '53', '55', '57', '58', 'XX']);

function isDataError(error: Error): boolean {
  if (error instanceof NotAUuid || error instanceof DoneInPart || error instanceof StateAheadOfEvents) {
    return true;
  }
  const sqlState = sqlStateOf(error);
  return sqlState !== '' && !passingClasses.has(sqlState.slice(0, 2));
}

/** Empty for an error that isn't the server's: sockets have codes of five letters as well. */
function sqlStateOf(error: Error): string {
  return error instanceof pg.DatabaseError ? (error.code ?? '') : '';
}
