import type { Account, BatchAnswer, JournalEvent, One, Transaction } from '../client.js';
import { hasEffect, type AskedWrite } from './mixed-load.js';
import type { WriteKind } from './random-writes.js';

/** How far the journal is from what clients were told. */
export interface ToldDifference {
  /** Told that it was made, and not in the journal. */
  readonly lost: readonly string[];
  /** There more than once. */
  readonly duplicated: readonly string[];
  /** There, and refused or asked for by nobody. */
  readonly invented: readonly string[];
}

/** Events that the ledger makes by itself. */
const ownEvents = ['transaction.expired'];

/**
 * Compares a ledger's journal with all that its clients were told since it had `before` events: what was accepted is
 * there once, by its key and by its id, and nothing else is.
 */
export function compareWithAnswers(
  journal: readonly JournalEvent[],
  before: number,
  asked: readonly AskedWrite[],
): ToldDifference {
  const lost: string[] = [];
  const duplicated: string[] = [];
  const expected = new Set<string>();
  const found = new Map<string, number>();
  for (const event of journal.slice(before)) {
    if (event.idempotencyKey === null && ownEvents.includes(event.type)) continue;
    const name = nameOf(event.idempotencyKey, event.type, subjectOf(event));
    found.set(name, (found.get(name) ?? 0) + 1);
  }
  for (const write of asked) {
    for (const name of namesOf(write)) {
      expected.add(name);
      const times = found.get(name) ?? 0;
      if (times === 0) lost.push(name);
      if (times > 1) duplicated.push(`${name}: ${times} times`);
    }
  }
  return { lost, duplicated, invented: [...found.keys()].filter((name) => !expected.has(name)) };
}

function nameOf(key: string | null, type: string, id: string): string {
  return `${key} ${type} ${id}`;
}

/** The id that the answer to its request bore: of the account or the transaction. */
function subjectOf({ transactionId, data }: JournalEvent): string {
  return transactionId ?? (data as { id: string }).id;
}

/** The events that a write must have left, as they are named above. */
function namesOf(write: AskedWrite): string[] {
  const { kind, key, answer, body } = write;
  if (!hasEffect(write)) return [];
  const type = eventTypes[kind];
  if (kind !== 'batch') return [nameOf(key, type, (answer?.body as One<Account | Transaction>).data.id)];
  const { transactions } = body as { transactions: readonly { idempotencyKey?: string }[] };
  return (answer?.body as BatchAnswer).data.flatMap(({ data }, index) =>
    data ? [nameOf(transactions[index]?.idempotencyKey ?? key, type, data.id)] : [],
  );
}

const eventTypes: Readonly<Record<WriteKind, string>> = {
  account: 'account.opened',
  batch: 'transaction.posted',
  transfer: 'transaction.posted',
  postings: 'transaction.posted',
  mint: 'transaction.posted',
  hold: 'transaction.pending',
  capture: 'transaction.captured',
  void: 'transaction.voided',
  reversal: 'transaction.reversed',
};
