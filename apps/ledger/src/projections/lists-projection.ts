import { accountEventTypes, settingEventTypes, transactionEventTypes } from '#domain';
import { readVersions } from '#journal';
import { projectBackdated } from './backdating.js';
import { postingEventTypes, postingEventTypesSql, textsSql } from './posting-events.js';
import { projectProgress } from './progress-of-transactions.js';
import { projectionsSchema, type Projection } from './projection.js';
import { partyIdSql } from './system-parties.js';

/** Events that post legs, and those that make holds, make transactions of their own. */
const listedTypes = [...postingEventTypes, 'transaction.pending'];

/**
 * One statement, so that the journal's rows are read and taken apart once. Each leg is joined to the other leg
 * of its posting: leg 2n + 1 is the debit, 2n + 2 the credit. Erased events have no data and make no rows; a
 * transaction without legs makes a party without account, which the table refuses. Rows of accounts are written in
 * the order of their keys, so that one page of an index is written to after the other. It answers what else there is
 * to do: of plain transfers, nothing.
 */
const projectListsSql = (schema: string): string => `
  WITH legs AS MATERIALIZED (
    SELECT e.position, e.id AS event_id, e.type AS event_type, e.transaction_id, e.recorded_at,
      e.effective_at < e.recorded_at AS is_backdated, t.type, t.reference,
      t."externalId" AS external_id, t."parentId" AS parent_id, l.leg, l."accountId" AS account_id, l.system,
      l."ownerId" AS owner_id, l.visibility, l.direction, l.amount, l.currency, l.posted,
      l."entryNumber" AS entry_number
    FROM journal.events e
    CROSS JOIN LATERAL json_to_record(e.data)
      AS t(type text, reference text, "externalId" text, "parentId" uuid, legs json)
    LEFT JOIN LATERAL json_to_recordset(t.legs)
      AS l(leg integer, "accountId" uuid, system text, "ownerId" text, visibility text, direction text,
        amount numeric, currency text, posted numeric, "entryNumber" bigint) ON true
    WHERE e.ledger_id = $1 AND e.position > $2 AND e.position <= $3
      AND e.type IN (${textsSql(transactionEventTypes)}) AND e.data IS NOT NULL
  ), several AS (
    SELECT position, array_agg(amount ORDER BY leg) AS amounts, array_agg(currency ORDER BY leg) AS currencies
    FROM legs
    WHERE direction = 'debit' AND position IN (SELECT position FROM legs WHERE leg = 3)
    GROUP BY position
  ), listed_transactions AS (
    INSERT INTO ${schema}.transactions (ledger_id, position, id, type, status, amount, currency, amounts,
      currencies, reference, external_id, parent_id)
    SELECT $1, g.position, g.transaction_id, g.type,
      CASE g.event_type WHEN 'transaction.pending' THEN 'pending' ELSE 'posted' END,
      CASE WHEN s.position IS NULL THEN g.amount END, CASE WHEN s.position IS NULL THEN g.currency END,
      s.amounts, s.currencies, lower(g.reference), g.external_id, g.parent_id
    FROM legs g LEFT JOIN several s ON s.position = g.position
    WHERE g.leg = 1 AND g.event_type IN (${textsSql(listedTypes)})
  ), listed_parties AS (
    INSERT INTO ${schema}.transaction_parties (ledger_id, account_id, side, position, hold_owner_id,
      hold_visibility)
    SELECT DISTINCT $1::uuid, ${partyIdSql('system', 'account_id')},
      CASE direction WHEN 'debit' THEN 'sender' ELSE 'recipient' END, position,
      CASE event_type WHEN 'transaction.pending' THEN owner_id END,
      CASE event_type WHEN 'transaction.pending' THEN visibility END
    FROM legs WHERE event_type IN (${textsSql(listedTypes)})
    ORDER BY 2, 3, 4
  ), owners AS (
    SELECT owner_id, position FROM legs WHERE owner_id IS NOT NULL AND system IS NULL
    UNION
    SELECT a."ownerId", e.position
    FROM journal.events e
    CROSS JOIN LATERAL json_to_record(e.data -> 'account') AS a("ownerId" text, system text)
    WHERE e.ledger_id = $1 AND e.position > $2 AND e.position <= $3
      AND e.type IN (${textsSql(accountEventTypes)})
      AND e.data IS NOT NULL AND a."ownerId" IS NOT NULL AND a.system IS NULL
  ), listed_owners AS (
    INSERT INTO ${schema}.event_owners (ledger_id, owner_id, position)
    SELECT $1, owner_id, position FROM owners
  ), listed_entries AS (
    INSERT INTO ${schema}.entries (ledger_id, account_id, position, leg, event_id, transaction_id, direction,
      amount, balance_after, entry_number, counterparty_id, counterparty_system, counterparty_visibility,
      counterparty_owner_id, reference, recorded_at)
    SELECT $1, g.account_id, g.position, g.leg, g.event_id, g.transaction_id, g.direction, g.amount, g.posted,
      g.entry_number, c.account_id, c.system, c.visibility, c.owner_id, g.reference, g.recorded_at
    FROM legs g
    JOIN legs c ON c.position = g.position AND c.leg = g.leg + CASE g.leg % 2 WHEN 1 THEN 1 ELSE -1 END
    WHERE g.event_type IN (${postingEventTypesSql})
    ORDER BY g.account_id, g.position, g.leg
  )
  SELECT coalesce(bool_or(event_type <> 'transaction.posted'), false) AS has_progress,
    coalesce(bool_or(is_backdated), false) AS has_backdated
  FROM legs`;

/**
 * All that lists are served from: transactions and their parties, entries, the owners of each event, and what
 * balances by effective time need. It is one projection because reading an event's JSON costs as much as writing
 * its rows: done once for all the tables, the whole takes two thirds of the time.
 */
export const listsProjection: Projection = listsProjectionIn(projectionsSchema);

/** The same with its tables in another schema, where they are built again beside those that are read. */
export function listsProjectionIn(schema: string): Projection {
  const text = projectListsSql(schema);
  const name = `project-lists ${schema}`;
  return {
    name: 'lists',
    // Settings of the ledger have no rows: what they are is read from the tables that guard rules.
    understands: [...accountEventTypes, ...transactionEventTypes, ...settingEventTypes].flatMap((type) =>
      readVersions[type].map((version) => ({ type, version })),
    ),
    tables: [
      'transactions',
      'transaction_parties',
      'event_owners',
      'entries',
      'backdated_legs',
      'backdated_sums',
    ],
    async project(db, ledgerId, range) {
      const values = [ledgerId, range.after, range.upTo];
      const { rows } = await db.query<{ has_progress: boolean; has_backdated: boolean }>({
        name,
        text,
        values,
      });
      if (rows[0]?.has_progress) await projectProgress(db, schema, ledgerId, range);
      if (rows[0]?.has_backdated) await projectBackdated(db, schema, ledgerId, range);
    },
  };
}
