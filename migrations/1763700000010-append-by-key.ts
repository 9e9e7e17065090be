import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The same write for the same call: accounts that are opened or have new settings are looked up by their key as
 * well. As a plain join, while the table had no statistics, each batch that opened accounts read all of them.
 */
export class AppendByKey1763700000010 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE OR REPLACE FUNCTION journal.append_v1(
        p_ledger_id uuid, p_read_position bigint, p_read_hash bytea,
        p_ids uuid[], p_types text[], p_versions integer[], p_transaction_ids uuid[], p_data text[],
        p_data_salts bytea[], p_data_hashes bytea[], p_actors text[], p_idempotency_keys text[],
        p_request_hashes bytea[], p_recorded_at timestamptz[], p_effective_at timestamptz[], p_hashes bytea[],
        p_request_owners text[], p_request_keys text[], p_kept_request_hashes bytea[],
        p_first_positions bigint[], p_last_positions bigint[], p_accounts json, p_transaction_external_ids json,
        p_touched_ids uuid[], p_posted_debits numeric[], p_posted_credits numeric[],
        p_touched_versions bigint[], p_entry_numbers bigint[], p_updated_at timestamptz[]
      ) RETURNS void LANGUAGE plpgsql AS $$
      DECLARE
        v_count integer := cardinality(p_ids);
        v_epoch integer;
        v_touched integer;
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

        INSERT INTO journal.requests (ledger_id, owner, key, request_hash, first_position, last_position)
        SELECT p_ledger_id, r.owner, r.key, r.request_hash, r.first_position, r.last_position
        FROM unnest(p_request_owners, p_request_keys, p_kept_request_hashes, p_first_positions, p_last_positions)
          AS r(owner, key, request_hash, first_position, last_position);

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

        -- Each touched row is looked up by its key: as a plain join, a table without statistics is read whole for
        -- each of them. OFFSET 0 keeps the planner from making it one again.
        IF EXISTS (
          SELECT 1
          FROM unnest(p_touched_ids, p_posted_debits, p_posted_credits) AS t(id, posted_debits, posted_credits)
          CROSS JOIN LATERAL (
            SELECT currency, posted_debits, posted_credits FROM ledger.accounts
            WHERE ledger_id = p_ledger_id AND id = t.id OFFSET 0
          ) a
          GROUP BY a.currency
          HAVING sum(t.posted_credits - t.posted_debits - a.posted_credits + a.posted_debits) <> 0
        ) THEN
          RAISE EXCEPTION 'a batch of ledger % does not sum to zero', p_ledger_id;
        END IF;

        UPDATE ledger.accounts a
          SET posted_debits = t.posted_debits, posted_credits = t.posted_credits, version = t.version,
            entry_number = t.entry_number, updated_at = t.updated_at
          FROM unnest(p_touched_ids, p_posted_debits, p_posted_credits, p_touched_versions, p_entry_numbers,
            p_updated_at) AS t(id, posted_debits, posted_credits, version, entry_number, updated_at)
          CROSS JOIN LATERAL (
            SELECT ctid AS place FROM ledger.accounts WHERE ledger_id = p_ledger_id AND id = t.id OFFSET 0
          ) stored
          WHERE a.ledger_id = p_ledger_id AND a.ctid = stored.place;
        GET DIAGNOSTICS v_touched = ROW_COUNT;
        IF v_touched <> cardinality(p_touched_ids) THEN
          RAISE EXCEPTION 'a batch of ledger % names accounts that do not exist', p_ledger_id;
        END IF;
      END $$;
    `);
  }

  /** What it does is what the function did before. */
  async down(): Promise<void> {}
}
