import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * How far transactions have come, and settings of a ledger as a whole: state that guards rules, written in the
 * transaction of the events that it follows from.
 */
export class Lifecycle1763700000012 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- A row for every hold from its first event, for others from their first reversal. Amounts are per posting.
      -- Only open holds with an end are in an index that their changes rewrite.
      CREATE TABLE ledger.transaction_progress (
        ledger_id      uuid NOT NULL,
        transaction_id uuid NOT NULL,
        status         text NOT NULL,
        expires_at     timestamptz,
        captured       numeric[] NOT NULL,
        captures       integer NOT NULL,
        reversed       numeric[] NOT NULL,
        reversals      uuid[] NOT NULL,
        PRIMARY KEY (ledger_id, transaction_id)
      ) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
      CREATE INDEX transaction_progress_expiry ON ledger.transaction_progress (expires_at)
        WHERE status IN ('pending', 'partially_captured') AND expires_at IS NOT NULL;

      CREATE TABLE ledger.exchange_rates (
        ledger_id     uuid NOT NULL,
        from_currency text NOT NULL,
        to_currency   text NOT NULL,
        rate          text NOT NULL,
        position      bigint NOT NULL,
        set_at        timestamptz NOT NULL,
        PRIMARY KEY (ledger_id, from_currency, to_currency)
      ) WITH (fillfactor = 70);

      -- Assets of the ledger's own; those of ISO 4217 are in no table.
      CREATE TABLE ledger.currencies (
        ledger_id  uuid NOT NULL,
        code       text NOT NULL,
        exponent   integer NOT NULL,
        name       text NOT NULL,
        position   bigint NOT NULL,
        created_at timestamptz NOT NULL,
        PRIMARY KEY (ledger_id, code)
      );

      CREATE TABLE ledger.closed_periods (
        ledger_id     uuid PRIMARY KEY,
        through       text NOT NULL,
        closed_before timestamptz NOT NULL,
        position      bigint NOT NULL,
        set_at        timestamptz NOT NULL
      ) WITH (fillfactor = 50);

      -- As append_v1, which processes of an earlier release go on calling. What few batches have is NULL in the
      -- others: pending sums, answers to clients' batches, progress, and settings of the ledger.
      CREATE FUNCTION journal.append_v2(
        p_ledger_id uuid, p_read_position bigint, p_read_hash bytea,
        p_ids uuid[], p_types text[], p_versions integer[], p_transaction_ids uuid[], p_data text[],
        p_data_salts bytea[], p_data_hashes bytea[], p_actors text[], p_idempotency_keys text[],
        p_request_hashes bytea[], p_recorded_at timestamptz[], p_effective_at timestamptz[], p_hashes bytea[],
        p_request_owners text[], p_request_keys text[], p_kept_request_hashes bytea[],
        p_first_positions bigint[], p_last_positions bigint[], p_accounts json, p_transaction_external_ids json,
        p_touched_ids uuid[], p_posted_debits numeric[], p_posted_credits numeric[],
        p_touched_versions bigint[], p_entry_numbers bigint[], p_updated_at timestamptz[],
        p_pending_debits numeric[], p_pending_credits numeric[], p_request_answers text[], p_progress json,
        p_exchange_rates json, p_currencies json, p_closed_period json
      ) RETURNS void LANGUAGE plpgsql AS $$
      DECLARE
        v_count integer := cardinality(p_ids);
        v_epoch integer;
        v_touched integer;
        v_is_posted_uneven boolean;
        v_is_pending_uneven boolean;
      BEGIN
        UPDATE journal.heads
          SET position = p_read_position + v_count, hash = p_hashes[v_count], recorded_at = p_recorded_at[v_count]
          WHERE ledger_id = p_ledger_id AND position = p_read_position AND hash = p_read_hash
          RETURNING epoch INTO v_epoch;
        IF NOT FOUND THEN
          RAISE EXCEPTION 'the head of ledger % is not at position % any more', p_ledger_id, p_read_position;
        END IF;

        INSERT INTO journal.events (ledger_id, epoch, position, id, type, version, transaction_id, data, data_salt,
          data_hash, actor, idempotency_key, request_hash, recorded_at, effective_at, hash)
        SELECT p_ledger_id, v_epoch, p_read_position + e.n, e.id, e.type, e.version, e.transaction_id, e.data::json,
          e.data_salt, e.data_hash, e.actor, e.idempotency_key, e.request_hash, e.recorded_at, e.effective_at, e.hash
        FROM unnest(p_ids, p_types, p_versions, p_transaction_ids, p_data, p_data_salts, p_data_hashes, p_actors,
          p_idempotency_keys, p_request_hashes, p_recorded_at, p_effective_at, p_hashes) WITH ORDINALITY
          AS e(id, type, version, transaction_id, data, data_salt, data_hash, actor, idempotency_key, request_hash,
            recorded_at, effective_at, hash, n);

        INSERT INTO journal.requests (ledger_id, owner, key, request_hash, first_position, last_position, answer)
        SELECT p_ledger_id, r.owner, r.key, r.request_hash, r.first_position, r.last_position, r.answer::json
        FROM unnest(p_request_owners, p_request_keys, p_kept_request_hashes, p_first_positions, p_last_positions,
          p_request_answers) AS r(owner, key, request_hash, first_position, last_position, answer);

        -- Accounts opened or with new settings; the money on them follows below with all the others'.
        IF p_accounts IS NOT NULL THEN
          -- An external id may pass from one account to another in one batch.
          UPDATE ledger.accounts a SET external_id = NULL
            FROM json_to_recordset(p_accounts) AS n(id uuid, external_id text, opened_position bigint)
            CROSS JOIN LATERAL (
              SELECT ctid AS place FROM ledger.accounts WHERE ledger_id = p_ledger_id AND id = n.id OFFSET 0
            ) stored
            WHERE a.ledger_id = p_ledger_id AND a.ctid = stored.place AND n.opened_position IS NULL
              AND a.external_id IS DISTINCT FROM n.external_id;
          INSERT INTO ledger.accounts AS a (ledger_id, id, system, name, currency, visibility, external_id, owner_id,
            status, min_balance, max_balance, posted_debits, posted_credits, pending_debits, pending_credits, version,
            settings_version, entry_number, metadata, opened_position, created_at, updated_at)
          SELECT p_ledger_id, n.id, n.system, n.name, n.currency, n.visibility, n.external_id, n.owner_id, n.status,
            n.min_balance, n.max_balance, 0, 0, 0, 0, n.version, n.settings_version, 0, n.metadata,
            n.opened_position, n.created_at, n.updated_at
          FROM json_to_recordset(p_accounts)
            AS n(id uuid, system text, name text, currency text, visibility text, external_id text, owner_id text,
              status text, min_balance numeric, max_balance numeric, version bigint, settings_version bigint,
              metadata json, opened_position bigint, created_at timestamptz, updated_at timestamptz)
          WHERE n.opened_position IS NOT NULL;
          UPDATE ledger.accounts a
            SET name = n.name, visibility = n.visibility, external_id = n.external_id, owner_id = n.owner_id,
              status = n.status, min_balance = n.min_balance, max_balance = n.max_balance, version = n.version,
              settings_version = n.settings_version, metadata = n.metadata, updated_at = n.updated_at
            FROM json_to_recordset(p_accounts)
              AS n(id uuid, name text, visibility text, external_id text, owner_id text, status text,
                min_balance numeric, max_balance numeric, version bigint, settings_version bigint, metadata json,
                opened_position bigint, updated_at timestamptz)
            CROSS JOIN LATERAL (
              SELECT ctid AS place FROM ledger.accounts WHERE ledger_id = p_ledger_id AND id = n.id OFFSET 0
            ) stored
            WHERE a.ledger_id = p_ledger_id AND a.ctid = stored.place AND n.opened_position IS NULL;
        END IF;

        IF p_transaction_external_ids IS NOT NULL THEN
          INSERT INTO ledger.transaction_external_ids (ledger_id, external_id, transaction_id)
          SELECT p_ledger_id, x.external_id, x.transaction_id
          FROM json_to_recordset(p_transaction_external_ids) AS x(external_id text, transaction_id uuid);
        END IF;

        IF p_progress IS NOT NULL THEN
          INSERT INTO ledger.transaction_progress (ledger_id, transaction_id, status, expires_at, captured, captures,
            reversed, reversals)
          SELECT p_ledger_id, n.transaction_id, n.status, n.expires_at, n.captured, n.captures, n.reversed, n.reversals
          FROM json_to_recordset(p_progress)
            AS n(transaction_id uuid, status text, expires_at timestamptz, captured numeric[], captures integer,
              reversed numeric[], reversals uuid[])
          ON CONFLICT (ledger_id, transaction_id) DO UPDATE
            SET status = excluded.status, expires_at = excluded.expires_at, captured = excluded.captured,
              captures = excluded.captures, reversed = excluded.reversed, reversals = excluded.reversals;
        END IF;

        IF p_exchange_rates IS NOT NULL THEN
          INSERT INTO ledger.exchange_rates (ledger_id, from_currency, to_currency, rate, position, set_at)
          SELECT p_ledger_id, n.from_currency, n.to_currency, n.rate, n.position, n.set_at
          FROM json_to_recordset(p_exchange_rates)
            AS n(from_currency text, to_currency text, rate text, position bigint, set_at timestamptz)
          ON CONFLICT (ledger_id, from_currency, to_currency) DO UPDATE
            SET rate = excluded.rate, position = excluded.position, set_at = excluded.set_at;
        END IF;

        IF p_currencies IS NOT NULL THEN
          INSERT INTO ledger.currencies (ledger_id, code, exponent, name, position, created_at)
          SELECT p_ledger_id, n.code, n.exponent, n.name, n.position, n.created_at
          FROM json_to_recordset(p_currencies)
            AS n(code text, exponent integer, name text, position bigint, created_at timestamptz);
        END IF;

        IF p_closed_period IS NOT NULL THEN
          INSERT INTO ledger.closed_periods (ledger_id, through, closed_before, position, set_at)
          SELECT p_ledger_id, n.through, n.closed_before, n.position, n.set_at
          FROM json_to_record(p_closed_period)
            AS n(through text, closed_before timestamptz, position bigint, set_at timestamptz)
          ON CONFLICT (ledger_id) DO UPDATE
            SET through = excluded.through, closed_before = excluded.closed_before, position = excluded.position,
              set_at = excluded.set_at;
        END IF;

        -- Settings are configuration: who has changed them is in the audit log as well, by this same transaction.
        IF p_exchange_rates IS NOT NULL OR p_currencies IS NOT NULL OR p_closed_period IS NOT NULL THEN
          INSERT INTO access.audit_log (ledger_id, actor, action, subject, details)
          SELECT p_ledger_id, e.actor, replace(e.type, '-', '_'),
            coalesce(e.data->>'code', (e.data->>'from') || '/' || (e.data->>'to'), 'closed-through'), e.data
          FROM (
            SELECT type, actor, data::json AS data, n
            FROM unnest(p_types, p_actors, p_data) WITH ORDINALITY AS u(type, actor, data, n)
            WHERE type IN ('exchange-rate.set', 'currency.added', 'period.closed')
          ) e ORDER BY e.n;
        END IF;

        -- Each touched row is looked up by its key: as a plain join, a table without statistics is read whole for
        -- each of them. OFFSET 0 keeps the planner from making it one again. What is posted and what is held goes
        -- from one account to another of the same currency, so that in each the changes sum to zero.
        WITH moved AS (
          UPDATE ledger.accounts a
            SET posted_debits = t.posted_debits, posted_credits = t.posted_credits,
              pending_debits = coalesce(t.pending_debits, a.pending_debits),
              pending_credits = coalesce(t.pending_credits, a.pending_credits), version = t.version,
              entry_number = t.entry_number, updated_at = t.updated_at
            FROM unnest(p_touched_ids, p_posted_debits, p_posted_credits, p_pending_debits, p_pending_credits,
              p_touched_versions, p_entry_numbers, p_updated_at)
              AS t(id, posted_debits, posted_credits, pending_debits, pending_credits, version, entry_number,
                updated_at)
            CROSS JOIN LATERAL (
              SELECT ctid AS place, currency, posted_debits, posted_credits, pending_debits, pending_credits
              FROM ledger.accounts WHERE ledger_id = p_ledger_id AND id = t.id OFFSET 0
            ) stored
            WHERE a.ledger_id = p_ledger_id AND a.ctid = stored.place
            RETURNING stored.currency,
              a.posted_credits - a.posted_debits - stored.posted_credits + stored.posted_debits AS posted,
              a.pending_debits - a.pending_credits - stored.pending_debits + stored.pending_credits AS pending
        ), sums AS (
          SELECT count(*) AS touched, sum(posted) AS posted, sum(pending) AS pending FROM moved GROUP BY currency
        )
        SELECT coalesce(sum(touched), 0), coalesce(bool_or(posted <> 0), false), coalesce(bool_or(pending <> 0), false)
          INTO v_touched, v_is_posted_uneven, v_is_pending_uneven FROM sums;
        IF v_touched <> cardinality(p_touched_ids) THEN
          RAISE EXCEPTION 'a batch of ledger % names accounts that do not exist', p_ledger_id;
        END IF;
        IF v_is_posted_uneven THEN
          RAISE EXCEPTION 'a batch of ledger % does not sum to zero', p_ledger_id;
        END IF;
        IF v_is_pending_uneven THEN
          RAISE EXCEPTION 'what a batch of ledger % holds does not sum to zero', p_ledger_id;
        END IF;
      END $$;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP FUNCTION journal.append_v2;
      DROP TABLE ledger.transaction_progress, ledger.exchange_rates, ledger.currencies, ledger.closed_periods;
    `);
  }
}
