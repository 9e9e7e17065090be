import type pg from 'pg';
import { readAgain, type StreamMessage } from '#event-stream';
import { inTransaction } from '#platform';
import { decideIntake, type DecidedIntake } from './decide-intake.js';
import { deleteLetterOfNobody, ledgerOfLetter } from './scan-dead-letters.js';
import { openIntake, park, writeIntake } from './write-intake.js';

/** What came of a decision; a refusal says why nothing was changed. */
export type DeadLetterOutcome =
  | { readonly result: 'refused'; readonly reason: string }
  | { readonly result: 'resumed'; readonly messages: number }
  | { readonly result: 'parked'; readonly messages: number; readonly reason: string };

const lettersPerStepMax = 500;

/**
 * Takes the message in after all, where a later release can read it; one that came after a gap is taken in
 * without what is missing. Those that wait behind it follow, until one parks the ledger again.
 */
export function retryDeadLetter(pool: pg.Pool, id: string): Promise<DeadLetterOutcome> {
  return decideOn(pool, id, 'retry');
}

/** Gives the message up, for ever; those that wait behind it follow. */
export function discardDeadLetter(pool: pg.Pool, id: string): Promise<DeadLetterOutcome> {
  return decideOn(pool, id, 'discard');
}

async function decideOn(pool: pg.Pool, id: string, action: 'retry' | 'discard'): Promise<DeadLetterOutcome> {
  const first = await inTransaction(pool, async (db) => {
    const ledgerId = await ledgerOfLetter(db, id);
    if (ledgerId === undefined) return refuse(`there is no dead letter ${id}`);
    if (ledgerId === null) {
      if (action === 'retry') return refuse('a message of no ledger can only be discarded');
      await deleteLetterOfNobody(db, id);
      return { result: 'resumed', messages: 1 } as const;
    }
    const [ledger] = await openIntake(db, [ledgerId]);
    const firstId = await firstLetterOf(db, ledgerId);
    if (firstId !== id) return refuse(`${firstId} is before it on its ledger`);
    await audit(db, ledgerId, id, action);
    await allowGap(db, ledgerId, ledger?.last !== null);
    if (action === 'discard') {
      await db.query('DELETE FROM dispatcher.dead_letters WHERE ledger_id = $1 AND id = $2', [ledgerId, id]);
    }
    const step = await takeInStep(db, ledgerId, action === 'retry' ? 1 : lettersPerStepMax);
    if (action === 'retry') await allowGap(db, ledgerId, false);
    return { ...step, ledgerId };
  });
  return 'result' in first ? first : await finish(pool, first);
}

interface Step {
  readonly ledgerId: string;
  readonly messages: number;
  /** Null: the letters at hand were taken in. */
  readonly parkedBy: string | null;
  readonly isAtEnd: boolean;
}

/** Step by step, each in a transaction; while one letter is left the ledger stays parked, so the order holds. */
async function finish(pool: pg.Pool, first: Step): Promise<DeadLetterOutcome> {
  let messages = first.messages;
  let step = first;
  while (step.parkedBy === null && !step.isAtEnd) {
    step = await inTransaction(pool, async (db) => {
      await openIntake(db, [first.ledgerId]);
      return { ...(await takeInStep(db, first.ledgerId, lettersPerStepMax)), ledgerId: first.ledgerId };
    });
    messages += step.messages;
  }
  if (step.parkedBy !== null) return { result: 'parked', messages, reason: step.parkedBy };
  return { result: 'resumed', messages };
}

/** Takes the next letters in as if they came now. */
async function takeInStep(
  db: pg.ClientBase,
  ledgerId: string,
  lettersMax: number,
): Promise<Omit<Step, 'ledgerId'>> {
  const letters = await readLetters(db, ledgerId, lettersMax);
  const [ledger] = await openIntake(db, [ledgerId]);
  if (!ledger) throw new Error(`ledger ${ledgerId} is gone`);
  const decided = decideIntake(
    { ...ledger, isParked: false },
    letters.map(({ message }) => message),
  );
  await unpark(db, ledgerId);
  await writeIntake(db, [decided], { nowMs: Date.now(), isDayMade: () => false });
  const keptFrom = letters.length - decided.kept.length;
  await db.query('DELETE FROM dispatcher.dead_letters WHERE ledger_id = $1 AND id = ANY ($2::bigint[])', [
    ledgerId,
    letters.slice(0, keptFrom).map(({ id }) => id),
  ]);
  return settle(db, ledgerId, decided, letters[keptFrom]?.id, keptFrom);
}

async function settle(
  db: pg.ClientBase,
  ledgerId: string,
  { parkedBy }: DecidedIntake,
  parkedById: string | undefined,
  messages: number,
): Promise<Omit<Step, 'ledgerId'>> {
  if (parkedBy !== null && parkedById !== undefined) {
    await giveReason(db, ledgerId, parkedById, parkedBy);
    await park(db, ledgerId, parkedBy);
    return { messages, parkedBy, isAtEnd: false };
  }
  const nextId = await firstLetterOf(db, ledgerId);
  if (nextId === null) return { messages, parkedBy: null, isAtEnd: true };
  // Were this run to end here, somebody would find it in the list.
  const reason = 'those before it were taken in, and it was not yet';
  await giveReason(db, ledgerId, nextId, reason);
  await park(db, ledgerId, reason);
  return { messages, parkedBy: null, isAtEnd: false };
}

async function readLetters(db: pg.ClientBase, ledgerId: string, lettersMax: number) {
  const { rows } = await db.query<{ id: string; message: StreamMessage }>(
    `SELECT id, message FROM dispatcher.dead_letters WHERE ledger_id = $1 ORDER BY id LIMIT $2`,
    [ledgerId, lettersMax],
  );
  const letters: { id: string; message: StreamMessage }[] = [];
  for (const { id, message } of rows) letters.push({ id, message: await readAgain(db, message) });
  return letters;
}

async function firstLetterOf(db: pg.ClientBase, ledgerId: string): Promise<string | null> {
  const { rows } = await db.query<{ id: string }>(
    'SELECT id FROM dispatcher.dead_letters WHERE ledger_id = $1 ORDER BY id LIMIT 1',
    [ledgerId],
  );
  return rows[0]?.id ?? null;
}

async function allowGap(db: pg.ClientBase, ledgerId: string, isAllowed: boolean): Promise<void> {
  await db.query('UPDATE dispatcher.ledgers SET is_gap_allowed = $2 WHERE ledger_id = $1', [
    ledgerId,
    isAllowed,
  ]);
}

async function unpark(db: pg.ClientBase, ledgerId: string): Promise<void> {
  await db.query(
    'UPDATE dispatcher.ledgers SET parked_reason = NULL, parked_at = NULL WHERE ledger_id = $1',
    [ledgerId],
  );
}

async function giveReason(db: pg.ClientBase, ledgerId: string, id: string, reason: string) {
  await db.query('UPDATE dispatcher.dead_letters SET reason = $3 WHERE ledger_id = $1 AND id = $2', [
    ledgerId,
    id,
    reason,
  ]);
}

async function audit(db: pg.ClientBase, ledgerId: string, id: string, action: 'retry' | 'discard') {
  await db.query(
    `INSERT INTO access.audit_log (ledger_id, actor, action, subject, details)
     SELECT ledger_id, 'operator', $3, id::text, json_build_object('origin', origin, 'reason', reason)
     FROM dispatcher.dead_letters WHERE ledger_id = $1 AND id = $2`,
    [ledgerId, id, `dead_letter.${action}`],
  );
}

function refuse(reason: string): DeadLetterOutcome {
  return { result: 'refused', reason };
}
