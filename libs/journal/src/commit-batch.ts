import pg from 'pg';
import { NotAUuid } from '#platform';
import { appendStatement } from './append-batch.js';
import { decideBatch, DoneInPart, StateAheadOfEvents, type DecidedBatch } from './decide-batch.js';
import { EventCopy } from './event-copy.js';
import { lockAndGather, lockHead, type LockedBatch } from './gather-batch.js';
import type { KnownAccounts } from './known-accounts.js';
import type { QueuedUnit } from './queued-unit.js';

/** How an attempt to commit a batch ended. Only `unknown` leaves open whether it is on disk. */
export type Attempt =
  | { readonly kind: 'committed'; readonly batch: DecidedBatch }
  | { readonly kind: 'unknown'; readonly batch: DecidedBatch; readonly error: Error }
  | { readonly kind: 'not_committed'; readonly isDataError: boolean; readonly error: Error };

/**
 * One Postgres transaction: lock, gather, decide, append, commit. Events go out while they are recorded. What needs no
 * answer in between goes out together, so a batch waits for the server twice: lock with gather, append with COMMIT. A
 * connection that failed in any way is thrown away, which ends its transaction. Anything that goes wrong before COMMIT
 * is sent is known not to be on disk; afterwards only what the server itself reports is: that it refused to write, or
 * to commit.
 */
export async function attemptBatch(
  pool: pg.Pool,
  ledgerId: string,
  units: readonly QueuedUnit[],
  lockTimeoutMs: number,
  memory: KnownAccounts,
  onSent: () => void,
): Promise<Attempt> {
  let client: pg.PoolClient | null = null;
  let copy: EventCopy | null = null;
  let sent: DecidedBatch | null = null;
  try {
    client = await pool.connect();
    const locked = await lockAndGather(client, ledgerId, lockTimeoutMs, units, memory);
    const { head, gathered } = locked;
    const events = new EventCopy(client, ledgerId);
    copy = events;
    const batch = decideBatch(ledgerId, head, gathered, units, (event) => events.write(event));
    if (batch.events.length === 0) {
      await client.query('ROLLBACK');
    } else {
      const written = Promise.all([copy.end(), send(client, appendStatement(ledgerId, head, batch))]);
      sent = batch;
      const committed = commit(client);
      onSent();
      // It is looked at last: what was refused before it says why, and COMMIT only that something was.
      committed.catch(() => undefined);
      try {
        await written;
      } catch (error) {
        // What the server has refused to write, the COMMIT behind it can't commit.
        if (error instanceof pg.DatabaseError) sent = null;
        throw error;
      }
      await committed;
      remember(memory, ledgerId, locked, batch);
    }
    client.release();
    return { kind: 'committed', batch };
  } catch (cause) {
    const error = cause instanceof Error ? cause : new Error(String(cause));
    copy?.abandon();
    client?.release(error);
    if (sent && !isReportedByServer(error)) return { kind: 'unknown', batch: sent, error };
    return { kind: 'not_committed', isDataError: isDataError(error), error };
  }
}

function remember(
  memory: KnownAccounts,
  ledgerId: string,
  { head, accountsRead }: LockedBatch,
  { events, settings, touched }: DecidedBatch,
): void {
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
 * What became of a batch whose COMMIT got no answer. Locking the head waits for the old connection's
 * transaction to end; after that its first event either is at its position, with the head behind its last, or never
 * will be.
 */
export async function findCommitted(
  pool: pg.Pool,
  ledgerId: string,
  batch: DecidedBatch,
  lockTimeoutMs: number,
): Promise<boolean> {
  const [first, last] = [batch.events.at(0), batch.events.at(-1)];
  if (!first || !last) throw new Error('a batch without events has nothing to find');
  const client = await pool.connect();
  try {
    const { position } = await lockHead(client, ledgerId, lockTimeoutMs);
    const result = await client.query<{ id: string }>({
      text: 'SELECT id FROM journal.events WHERE ledger_id = $1 AND position = $2',
      values: [ledgerId, first.position],
    });
    await client.query('ROLLBACK');
    client.release();
    return result.rows[0]?.id === first.id && position >= last.position;
  } catch (error) {
    client.release(true);
    throw error;
  }
}

/** In a transaction that has failed, COMMIT succeeds as a statement and rolls back. */
async function commit(client: pg.PoolClient): Promise<void> {
  const { command } = await client.query('COMMIT');
  if (command !== 'COMMIT') throw new CommitRefused(`the server answered COMMIT with ${command}`);
}

class CommitRefused extends Error {}

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
