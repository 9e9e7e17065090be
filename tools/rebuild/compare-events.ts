import type pg from 'pg';
import { StatementValues } from '#platform';
import { firstPositionSql } from '../../apps/ledger/src/projections/progress-of-transactions.js';
import { projectionsSchema, type EventRange } from '../../apps/ledger/src/projections/projection.js';
import { partyIdSql } from '../../apps/ledger/src/projections/system-parties.js';
import {
  countsSql,
  differencesSql,
  type CountsRow,
  type DifferenceRow,
  type RowDifference,
} from './compared-rows.js';
import { rebuildSchema, type CopiedTable } from './table-copies.js';

/** By what the rows are found that a range of events has made or changed. */
interface TouchedKeys {
  readonly positions: readonly string[];
  readonly account_ids: readonly string[];
  readonly party_ids: readonly string[];
  readonly owner_ids: readonly string[];
  readonly backdated_account_ids: readonly string[];
}

const touchedKeysSql = `
  WITH events AS MATERIALIZED (
    SELECT e.type, e.transaction_id, e.data, e.effective_at < e.recorded_at AS is_backdated
    FROM journal.events e
    WHERE e.ledger_id = $1 AND e.position > $2 AND e.position <= $3 AND e.data IS NOT NULL
  ), legs AS MATERIALIZED (
    SELECT e.is_backdated, l."accountId" AS account_id, l.system, l."ownerId" AS owner_id
    FROM events e CROSS JOIN LATERAL json_to_recordset(e.data -> 'legs')
      AS l("accountId" uuid, system text, "ownerId" text)
    WHERE e.type LIKE 'transaction.%'
  ), progressed AS MATERIALIZED (
    SELECT (p.value ->> 'transactionId')::uuid AS id
    FROM events e CROSS JOIN LATERAL json_array_elements(e.data -> 'progressed') p
    WHERE e.type IN ('transaction.captured', 'transaction.reversed')
    UNION SELECT transaction_id FROM events WHERE type IN ('transaction.voided', 'transaction.expired',
      'transaction.extended')
  )
  SELECT
    ARRAY(SELECT generate_series($2::bigint + 1, $3::bigint)::text
      UNION SELECT ${firstPositionSql('p.id')}::text FROM progressed p) AS positions,
    ARRAY(SELECT DISTINCT account_id FROM legs) AS account_ids,
    ARRAY(SELECT DISTINCT ${partyIdSql('system', 'account_id')} FROM legs) AS party_ids,
    ARRAY(SELECT owner_id FROM legs WHERE owner_id IS NOT NULL
      UNION SELECT data -> 'account' ->> 'ownerId' FROM events
      WHERE type LIKE 'account.%' AND data -> 'account' ->> 'ownerId' IS NOT NULL) AS owner_ids,
    ARRAY(SELECT DISTINCT account_id FROM legs WHERE is_backdated) AS backdated_account_ids`;

type Condition = (values: StatementValues, range: EventRange, keys: TouchedKeys) => string;

const within = (values: StatementValues, { after, upTo }: EventRange) =>
  `position > ${values.add(after)}::bigint AND position <= ${values.add(upTo)}::bigint`;

/** Of a ledger's rows those that the events touch; every table of the projection has one. */
const touchedRows: Readonly<Record<string, Condition>> = {
  transactions: (values, _, { positions }) => `position = ANY (${values.add(positions)}::bigint[])`,
  transaction_parties: (values, range, { party_ids: ids }) =>
    `account_id = ANY (${values.add(ids)}::uuid[]) AND side IN ('sender', 'recipient') AND ${within(values, range)}`,
  event_owners: (values, range, { owner_ids: ids }) =>
    `owner_id = ANY (${values.add(ids)}::text[]) AND ${within(values, range)}`,
  entries: (values, range, { account_ids: ids }) =>
    `account_id = ANY (${values.add(ids)}::uuid[]) AND ${within(values, range)}`,
  backdated_legs: (values, range, { account_ids: ids }) =>
    `account_id = ANY (${values.add(ids)}::uuid[]) AND ${within(values, range)}`,
  backdated_sums: (values, _, { backdated_account_ids: ids }) =>
    `account_id = ANY (${values.add(ids)}::uuid[])`,
};

export interface ComparedEvents {
  readonly differing: number;
  /** The first of each table. */
  readonly differences: readonly RowDifference[];
}

/**
 * What a range of a ledger's events has made or changed, in both: found by the keys that the events name, so that it
 * costs as much as the range is long. Both must have come as far.
 */
export async function compareEvents(
  db: pg.ClientBase,
  tables: readonly CopiedTable[],
  ledgerId: string,
  range: EventRange,
  differencesMax: number,
): Promise<ComparedEvents> {
  const { rows } = await db.query<TouchedKeys>({
    name: 'touched-keys',
    text: touchedKeysSql,
    values: [ledgerId, range.after, range.upTo],
  });
  let differing = 0;
  const differences: RowDifference[] = [];
  for (const table of tables) {
    const values = new StatementValues(ledgerId);
    const condition = conditionOf(table.name)(values, range, rows[0]!);
    const pair = {
      read: `SELECT * FROM ${projectionsSchema}.${table.name} WHERE ledger_id = $1 AND ${condition}`,
      rebuilt: `SELECT * FROM ${rebuildSchema}.${table.name} WHERE ledger_id = $1 AND ${condition}`,
    };
    const counted = await db.query<CountsRow>(countsSql(table, pair), values.values);
    const ofTable = counted.rows[0]?.differing ?? 0;
    if (ofTable === 0) continue;
    differing += ofTable;
    const found = await db.query<DifferenceRow>(differencesSql(table, pair, differencesMax), values.values);
    differences.push(...found.rows.map((row) => ({ table: table.name, ...row })));
  }
  return { differing, differences };
}

function conditionOf(table: string): Condition {
  const condition = touchedRows[table];
  if (!condition) throw new Error(`it isn't known which rows of ${table} an event touches`);
  return condition;
}
