import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The write of a batch that looks each account up once, and finds it as the batch believes. */
export class AppendMoved1763700000017 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- As append_v3, which processes of an earlier release go on calling, but for the accounts that money moved on:
      -- what moved on each is told beside what it comes to.
      CREATE FUNCTION journal.append_v4(
        p_ledger_id uuid, p_read_position bigint, p_read_hash bytea, p_count integer, p_hash bytea,
        p_recorded_at timestamptz,
        p_request_owners text[], p_request_keys text[], p_kept_request_hashes bytea[],
        p_first_positions bigint[], p_last_positions bigint[], p_accounts json, p_transaction_external_ids json,
        p_touched_ids uuid[], p_posted_debits numeric[], p_posted_credits numeric[],
        p_touched_versions bigint[], p_entry_numbers bigint[], p_updated_at timestamptz[],
        p_pending_debits numeric[], p_pending_credits numeric[], p_request_answers text[], p_progress json,
        p_exchange_rates json, p_currencies json, p_closed_period json,
        p_touched_currencies text[], p_moved numeric[], p_pending_moved numeric[]
      ) RETURNS void LANGUAGE plpgsql AS $$
      DECLARE
        v_epoch integer;
        v_written integer;
        v_last bigint;
        v_is_posted_uneven boolean;
        v_is_pending_uneven boolean;
        v_touched integer;
      BEGIN
        UPDATE journal.heads
          SET position = p_read_position + p_count, hash = p_hash, recorded_at = p_recorded_at
          WHERE ledger_id = p_ledger_id AND position = p_read_position AND hash = p_read_hash
          RETURNING epoch INTO v_epoch;
        IF NOT FOUND THEN
          RAISE EXCEPTION 'the head of ledger % is not at position % any more', p_ledger_id, p_read_position;
        END IF;

        -- As many as the caller says, none twice and none left out: positions are unique.
        SELECT count(*), max(position) INTO v_written, v_last FROM journal.events
          WHERE ledger_id = p_ledger_id AND position > p_read_position AND epoch = v_epoch;
        IF v_written IS DISTINCT FROM p_count OR v_last IS DISTINCT FROM p_read_position + p_count THEN
          RAISE EXCEPTION 'the events of a batch of ledger % are not those after position %', p_ledger_id,
            p_read_position;
        END IF;
        PERFORM FROM journal.events
          WHERE ledger_id = p_ledger_id AND position = v_last AND hash = p_hash AND recorded_at = p_recorded_at;
        IF NOT FOUND THEN
          RAISE EXCEPTION 'the new head of ledger % is not its last event', p_ledger_id;
        END IF;

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
          FROM journal.events e
          WHERE e.ledger_id = p_ledger_id AND e.position > p_read_position
            AND e.type IN ('exchange-rate.set', 'currency.added', 'period.closed')
          ORDER BY e.position;
        END IF;

        -- What is posted and what is held goes from one account to another of the same currency, so that in each what
        -- was moved sums to zero.
        SELECT coalesce(bool_or(posted <> 0), false), coalesce(bool_or(pending <> 0), false)
          INTO v_is_posted_uneven, v_is_pending_uneven
          FROM (
            SELECT sum(moved) AS posted, sum(pending_moved) AS pending
            FROM unnest(p_touched_currencies, p_moved, p_pending_moved) AS m(currency, moved, pending_moved)
            GROUP BY currency
          ) sums;
        IF v_is_posted_uneven THEN
          RAISE EXCEPTION 'a batch of ledger % does not sum to zero', p_ledger_id;
        END IF;
        IF v_is_pending_uneven THEN
          RAISE EXCEPTION 'what a batch of ledger % holds does not sum to zero', p_ledger_id;
        END IF;

        -- An account that is not as it was before this moved is left as it is. The branch that inserts, in which no row
        -- satisfies the table's constraints, makes the join an outer one, which keeps its order. OFFSET 0 keeps the
        -- ledger a part of the key. With that, with what the session rules out, and with nothing kept aside, each account
        -- is looked up by its key, whatever the planner believes of a young table.
        PERFORM set_config('enable_memoize', 'off', true), set_config('enable_material', 'off', true);
        MERGE INTO ledger.accounts a
          USING (
            SELECT p_ledger_id AS ledger_id, u.* FROM unnest(p_touched_ids, p_touched_currencies, p_posted_debits,
              p_posted_credits, p_moved, p_pending_debits, p_pending_credits, p_pending_moved, p_touched_versions,
              p_entry_numbers, p_updated_at)
              AS u(id, currency, posted_debits, posted_credits, moved, pending_debits, pending_credits, pending_moved,
                version, entry_number, updated_at)
            OFFSET 0
          ) t ON a.ledger_id = t.ledger_id AND a.id = t.id
          WHEN MATCHED AND a.currency = t.currency
            AND a.posted_credits - a.posted_debits + t.moved = t.posted_credits - t.posted_debits
            AND a.pending_debits - a.pending_credits + coalesce(t.pending_moved, 0)
              = coalesce(t.pending_debits, a.pending_debits) - coalesce(t.pending_credits, a.pending_credits)
          THEN UPDATE SET posted_debits = t.posted_debits, posted_credits = t.posted_credits,
            pending_debits = coalesce(t.pending_debits, a.pending_debits),
            pending_credits = coalesce(t.pending_credits, a.pending_credits), version = t.version,
            entry_number = t.entry_number, updated_at = t.updated_at
          WHEN NOT MATCHED THEN INSERT (ledger_id, id) VALUES (t.ledger_id, t.id);
        GET DIAGNOSTICS v_touched = ROW_COUNT;
        IF v_touched <> cardinality(p_touched_ids) THEN
          RAISE EXCEPTION 'accounts that a batch of ledger % moves money on are not as they were', p_ledger_id
            USING ERRCODE = 'serialization_failure';
        END IF;
      END $$;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP FUNCTION journal.append_v4');
  }
}
