import type pg from 'pg';
import { isTransactionEvent, storedBy, type Progress, type StoredTransaction } from '#domain';
import { decodeEvent } from './event-codec.js';
import { progressSql, readProgressRow, type ProgressRow } from './progress-rows.js';
import { eventColumnsSql, readEventRow, type EventRow } from './recorded-event.js';

/** Transactions that the commands of a batch refer to. */
export interface ReferredTransactions {
  /** By their ids, with the holds of those that are captures. */
  readonly stored: ReadonlyMap<string, StoredTransaction>;
  /** Those that are there and can't be decided about: their data is erased (null), or can't be read. */
  readonly undecidable: ReadonlyMap<string, Error | null>;
  /** Of their legs, system accounts included. */
  readonly accountIds: readonly string[];
}

/** The event that made each transaction, and how far it has come; then the same of the holds of captures. */
const referredSql = `
  WITH asked AS MATERIALIZED (
    SELECT e.* FROM unnest($2::uuid[]) AS wanted(id) CROSS JOIN LATERAL (
      SELECT ${eventColumnsSql('v')}, v.data->>'parentId' AS parent_id FROM journal.events v
      WHERE v.ledger_id = $1 AND v.transaction_id = wanted.id ORDER BY v.position LIMIT 1
    ) e
  ), holds AS MATERIALIZED (
    SELECT e.* FROM (SELECT DISTINCT parent_id::uuid AS id FROM asked WHERE parent_id IS NOT NULL) AS wanted
    CROSS JOIN LATERAL (
      SELECT ${eventColumnsSql('v')}, NULL AS parent_id FROM journal.events v
      WHERE v.ledger_id = $1 AND v.transaction_id = wanted.id ORDER BY v.position LIMIT 1
    ) e
  )
  SELECT first.*, (
    SELECT ${progressSql('p')} FROM ledger.transaction_progress p
    WHERE p.ledger_id = $1 AND p.transaction_id = first.transaction_id
  ) AS progress
  FROM (SELECT * FROM asked UNION ALL SELECT * FROM holds) first`;

type ReferredRow = EventRow & { readonly parent_id: string | null; readonly progress: ProgressRow | null };

/** To be called under the lock, before the accounts are gathered. */
export async function gatherTransactions(
  client: pg.ClientBase,
  ledgerId: string,
  transactionIds: Iterable<string>,
): Promise<ReferredTransactions> {
  const { rows } = await client.query<ReferredRow>({
    name: 'gather-transactions',
    text: referredSql,
    values: [ledgerId, [...transactionIds]],
  });
  const stored = new Map<string, StoredTransaction>();
  const undecidable = new Map<string, Error | null>();
  const accountIds = new Set<string>();
  for (const row of rows) {
    const read = readStored(row);
    if (read === null || read instanceof Error) {
      undecidable.set(row.transaction_id!, read);
      continue;
    }
    stored.set(row.transaction_id!, read);
    for (const { accountId } of read.transaction.legs) accountIds.add(accountId);
  }
  // What is given back of a capture counts for its hold as well.
  for (const { transaction } of stored.values()) {
    const reason = transaction.parentId === undefined ? undefined : undecidable.get(transaction.parentId);
    if (reason !== undefined) undecidable.set(transaction.transactionId, reason);
  }
  return { stored, undecidable, accountIds: [...accountIds] };
}

function readStored(row: ReferredRow): StoredTransaction | Error | null {
  try {
    const recorded = readEventRow(row);
    const event = decodeEvent(recorded);
    if (event === null) return null;
    const stored = isTransactionEvent(event) ? storedBy(event) : null;
    if (!stored) return new Error(`event ${row.id} is the first of a transaction and makes none`);
    const { position, recordedAt } = recorded;
    return { ...stored, made: { position, recordedAt }, progress: progressOf(row) ?? stored.progress };
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function progressOf({ progress }: ReferredRow): Progress | null {
  return progress && readProgressRow(progress);
}
