import type { MigrationInterface, QueryRunner } from 'typeorm';

/** How other processes read the journal without a right to it, and where each subscriber stands. */
export class Stream1763700000006 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE SCHEMA stream;

      -- A partition is a ledger's id where the journal itself is read, else a topic's partition number.
      CREATE TABLE stream.offsets (
        subscriber text NOT NULL,
        topic      text NOT NULL,
        partition  text NOT NULL,
        epoch      integer NOT NULL DEFAULT 1,
        position   bigint NOT NULL,
        PRIMARY KEY (subscriber, topic, partition)
      ) WITH (fillfactor = 50);

      -- Positions are [{"ledgerId", "epoch", "position"}]. Gives the events after each of them, in order per
      -- ledger: at most p_limit rows, of which each ledger named has the same share, and no more of a ledger once
      -- its share of 4 MiB is passed. With a null position: the ledger's head, as a row without an id. Where more
      -- ledgers than rows are asked for, the last ones get none.
      -- It runs as the journal's owner, so that whoever may call it needs no right to the journal. Without pg_temp
      -- at the end of the path, a caller's temporary objects would come first. The plans are kept by the settings:
      -- a young table has no statistics to choose by.
      CREATE FUNCTION stream.read_v1(p_positions json, p_limit integer)
      RETURNS TABLE (ledger_id uuid, epoch integer, "position" bigint, id uuid, type text, version integer,
        transaction_id uuid, data_text text, recorded_at text, hash text)
      LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER
      SET search_path = pg_catalog, pg_temp
      SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off
      SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
      AS $$
      #variable_conflict use_column
      DECLARE
        v_ledgers integer := greatest(1, json_array_length(p_positions));
        v_share integer := greatest(1, p_limit / v_ledgers);
        v_bytes_share integer := 4194304 / v_ledgers;
        v_left integer := p_limit;
        v_count integer;
        v_bytes integer;
        v_from record;
        v_low bigint;
        v_middle bigint;
        v_high bigint;
        c_time CONSTANT text := 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"';
      BEGIN
        RETURN QUERY
          SELECT h.ledger_id, h.epoch, h.position, NULL::uuid, NULL::text, NULL::integer, NULL::uuid, NULL::text,
            to_char(h.recorded_at AT TIME ZONE 'UTC', c_time), encode(h.hash, 'hex')
          FROM json_to_recordset(p_positions) AS p("ledgerId" uuid, position bigint)
          JOIN journal.heads h ON h.ledger_id = p."ledgerId"
          WHERE p.position IS NULL
          LIMIT v_left;
        GET DIAGNOSTICS v_count = ROW_COUNT;
        v_left := v_left - v_count;

        -- A head of a lower epoch than the subscriber has seen can give nothing new.
        FOR v_from IN
          SELECT h.ledger_id, p.epoch, p.position, h.epoch AS head_epoch, h.position AS head_position
          FROM json_to_recordset(p_positions) AS p("ledgerId" uuid, epoch integer, position bigint)
          JOIN journal.heads h ON h.ledger_id = p."ledgerId"
          WHERE (h.epoch, h.position) > (p.epoch, p.position)
        LOOP
          EXIT WHEN v_left <= 0;
          v_low := v_from.position;
          IF v_from.head_epoch > v_from.epoch THEN
            -- The ledger was restored: positions that the subscriber has seen may since stand for other events.
            -- It goes on behind the last event that is not of a later epoch, found by halving.
            v_low := 0;
            v_high := least(v_from.position, v_from.head_position);
            WHILE v_low < v_high LOOP
              v_middle := (v_low + v_high + 1) / 2;
              IF (SELECT e.epoch FROM journal.events e
                  WHERE e.ledger_id = v_from.ledger_id AND e.position = v_middle) <= v_from.epoch
              THEN v_low := v_middle;
              ELSE v_high := v_middle - 1;
              END IF;
            END LOOP;
          END IF;
          v_bytes := 0;
          FOR ledger_id, epoch, "position", id, type, version, transaction_id, data_text, recorded_at, hash IN
            SELECT e.ledger_id, e.epoch, e.position, e.id, e.type, e.version, e.transaction_id, e.data::text,
              to_char(e.recorded_at AT TIME ZONE 'UTC', c_time), encode(e.hash, 'hex')
            FROM journal.events e
            WHERE e.ledger_id = v_from.ledger_id AND e.position > v_low
            ORDER BY e.position LIMIT least(v_share, v_left)
          LOOP
            RETURN NEXT;
            v_left := v_left - 1;
            v_bytes := v_bytes + coalesce(octet_length(data_text), 0);
            EXIT WHEN v_bytes >= v_bytes_share;
          END LOOP;
        END LOOP;
      END $$;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP SCHEMA stream CASCADE');
  }
}
