import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The webhook dispatcher's own: endpoints, what was taken in for them, deliveries and their attempts. Events,
 * deliveries and attempts are partitioned by the day on which the event was recorded, and dropped by age.
 */
export class Dispatcher1763700000007 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE SCHEMA dispatcher;

      CREATE TABLE dispatcher.endpoints (
        id                      uuid PRIMARY KEY,
        ledger_id               uuid NOT NULL,
        shard                   smallint NOT NULL CHECK (shard BETWEEN 0 AND 63),
        -- Set by keys that are bound to an owner: such an endpoint gets that owner's events only.
        owner_id                text,
        url                     text NOT NULL,
        event_types             text[] NOT NULL,
        account_ids             uuid[] NOT NULL,
        description             text,
        ordering                text NOT NULL CHECK (ordering IN ('none', 'account')),
        rate_limit_per_second   integer CHECK (rate_limit_per_second > 0),
        max_concurrency         integer NOT NULL CHECK (max_concurrency > 0),
        headers                 json NOT NULL,
        legacy_signature_header text,
        -- AES-256-GCM under SECRETS_KEY. The secret before it also signs until its time is over.
        secret                  bytea NOT NULL,
        previous_secret         bytea,
        previous_secret_until   timestamptz,
        status                  text NOT NULL CHECK (status IN ('enabled', 'disabled')),
        disabled_reason         text CHECK (disabled_reason IN ('gone', 'failing', 'manual')),
        created_at              timestamptz NOT NULL,
        updated_at              timestamptz NOT NULL,
        enabled_at              timestamptz NOT NULL,
        deleted_at              timestamptz,
        -- Of the failures since the last success, for disabling it when they go on for days.
        last_success_at         timestamptz,
        failures                integer NOT NULL DEFAULT 0,
        first_failure_at        timestamptz,
        last_failure_at         timestamptz,
        CHECK ((status = 'disabled') = (disabled_reason IS NOT NULL))
      );
      CREATE INDEX endpoints_by_ledger ON dispatcher.endpoints (ledger_id, id) WHERE deleted_at IS NULL;
      -- What has changed since the last look; deleted ones too, whose deliveries are still to be cancelled.
      CREATE INDEX endpoints_by_shard ON dispatcher.endpoints (shard, updated_at);

      -- How far a ledger was taken in, so that repeats are dropped and gaps are seen.
      CREATE TABLE dispatcher.ledgers (
        ledger_id     uuid PRIMARY KEY,
        -- Null before its first event, which may have any position.
        epoch         integer,
        position      bigint,
        -- After a discarded message: whatever comes next, comes next.
        is_gap_allowed boolean NOT NULL DEFAULT false,
        parked_reason text,
        parked_at     timestamptz,
        CHECK ((parked_reason IS NULL) = (parked_at IS NULL))
      ) WITH (fillfactor = 50);

      -- What could not be read, and what came behind it on its ledger, in order, until somebody decides.
      CREATE TABLE dispatcher.dead_letters (
        id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        ledger_id  uuid,
        origin     text NOT NULL,
        message    json NOT NULL,
        -- Null for a message that only waits behind one.
        reason     text,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp()
      );
      CREATE INDEX dead_letters_by_ledger ON dispatcher.dead_letters (ledger_id, id);

      CREATE TABLE dispatcher.events (
        day         date NOT NULL,
        ledger_id   uuid NOT NULL,
        event_id    uuid NOT NULL,
        epoch       integer NOT NULL,
        position    bigint NOT NULL,
        type        text NOT NULL,
        recorded_at timestamptz NOT NULL,
        -- Of its legs: by these it is matched again when an endpoint recovers.
        account_ids uuid[] NOT NULL,
        owner_ids   text[] NOT NULL,
        -- The message's value: the envelope and the legs.
        value       json NOT NULL,
        PRIMARY KEY (day, event_id)
      ) PARTITION BY RANGE (day);
      CREATE INDEX events_by_time ON dispatcher.events (ledger_id, recorded_at, event_id);

      CREATE TABLE dispatcher.deliveries (
        day              date NOT NULL,
        event_id         uuid NOT NULL,
        endpoint_id      uuid NOT NULL,
        id               uuid NOT NULL,
        ledger_id        uuid NOT NULL,
        shard            smallint NOT NULL,
        event_type       text NOT NULL,
        account_ids      uuid[] NOT NULL,
        status           text NOT NULL
          CHECK (status IN ('pending', 'delivering', 'succeeded', 'failed', 'exhausted', 'cancelled')),
        attempts         integer NOT NULL DEFAULT 0,
        -- Attempts made before it was last reopened: the schedule counts from there.
        schedule_from    integer NOT NULL DEFAULT 0,
        -- Null in the states that end a delivery, and while it waits for others in its lanes.
        next_attempt_at  timestamptz,
        -- Asked for by hand: it is out of order, and follows no lane.
        is_manual        boolean NOT NULL DEFAULT false,
        last_status_code integer,
        created_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (day, event_id, endpoint_id)
      ) PARTITION BY RANGE (day);
      CREATE INDEX deliveries_by_ledger ON dispatcher.deliveries (ledger_id, id);
      CREATE INDEX deliveries_by_endpoint ON dispatcher.deliveries (endpoint_id, id);
      CREATE INDEX deliveries_due ON dispatcher.deliveries (endpoint_id, next_attempt_at)
        WHERE status = 'pending';
      CREATE INDEX deliveries_under_way ON dispatcher.deliveries (shard) WHERE status = 'delivering';

      CREATE TABLE dispatcher.attempts (
        day             date NOT NULL,
        delivery_id     uuid NOT NULL,
        number          integer NOT NULL,
        endpoint_id     uuid NOT NULL,
        at              timestamptz NOT NULL,
        duration_ms     integer NOT NULL,
        status_code     integer,
        error_class     text,
        response_body   text,
        next_attempt_at timestamptz,
        PRIMARY KEY (day, delivery_id, number)
      ) PARTITION BY RANGE (day);
      CREATE INDEX attempts_by_endpoint ON dispatcher.attempts (endpoint_id, at);

      -- For endpoints with ordering by account: an event waits in the lane of each of its accounts.
      CREATE TABLE dispatcher.lane_entries (
        endpoint_id uuid NOT NULL,
        account_id  uuid NOT NULL,
        epoch       integer NOT NULL,
        position    bigint NOT NULL,
        day         date NOT NULL,
        event_id    uuid NOT NULL,
        PRIMARY KEY (endpoint_id, account_id, epoch, position)
      );
      CREATE INDEX lane_entries_by_event ON dispatcher.lane_entries (endpoint_id, event_id);
      CREATE INDEX lane_entries_in_order ON dispatcher.lane_entries (endpoint_id, epoch, position);
      CREATE INDEX lane_entries_by_day ON dispatcher.lane_entries (day);

      -- Events that left a lane without success: the lane's next body names them.
      CREATE TABLE dispatcher.lane_skips (
        endpoint_id uuid NOT NULL,
        account_id  uuid NOT NULL,
        event_id    uuid NOT NULL,
        skipped_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (endpoint_id, account_id, event_id)
      );
      CREATE INDEX lane_skips_by_time ON dispatcher.lane_skips (skipped_at);

      -- Whoever holds a shard's advisory lock raises its term; a write that names an older one changes nothing.
      CREATE TABLE dispatcher.shards (
        shard  smallint PRIMARY KEY,
        term   bigint NOT NULL DEFAULT 0,
        -- For people: whose term it is.
        holder text
      ) WITH (fillfactor = 25);
      INSERT INTO dispatcher.shards (shard) SELECT generate_series(0, 63);

      CREATE TABLE dispatcher.recoveries (
        id          uuid PRIMARY KEY,
        ledger_id   uuid NOT NULL,
        endpoint_id uuid NOT NULL,
        since       timestamptz NOT NULL,
        until       timestamptz NOT NULL,
        event_types text[],
        status      text NOT NULL CHECK (status IN ('running', 'done', 'cancelled')),
        count       integer NOT NULL,
        done        integer NOT NULL DEFAULT 0,
        -- The last event that was looked at.
        after_at    timestamptz,
        after_id    uuid,
        created_at  timestamptz NOT NULL DEFAULT clock_timestamp()
      );
      CREATE INDEX recoveries_running ON dispatcher.recoveries (created_at) WHERE status = 'running';

      CREATE TABLE dispatcher.audit_entries (
        id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        ledger_id uuid NOT NULL,
        actor     text NOT NULL,
        action    text NOT NULL,
        subject   text NOT NULL,
        details   json NOT NULL,
        at        timestamptz NOT NULL DEFAULT clock_timestamp()
      );
      CREATE INDEX audit_entries_by_ledger ON dispatcher.audit_entries (ledger_id, id);
    `);
    await runner.query(intakeFunction);
    await runner.query(dayFunctions);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP SCHEMA dispatcher CASCADE');
  }
}

/**
 * What an intake needs to know before it decides, in one call. Each statement of a function sees what was
 * committed before it began: the endpoints are read after the lock, so that one that was made meanwhile is seen.
 */
const intakeFunction = `
  CREATE FUNCTION dispatcher.open_intake_v1(ledger_ids uuid[])
  RETURNS TABLE (ledger_id uuid, epoch integer, "position" text, is_gap_allowed boolean, is_parked boolean, endpoints json)
  LANGUAGE plpgsql
  SET search_path = ''
  SET timezone = 'UTC'
  SET plan_cache_mode = force_generic_plan
  AS $$
  #variable_conflict use_column
  BEGIN
    -- Whoever makes an endpoint takes this lock alone.
    PERFORM pg_advisory_xact_lock_shared(7165901332);
    INSERT INTO dispatcher.ledgers (ledger_id)
      SELECT id FROM unnest(ledger_ids) id
      WHERE NOT EXISTS (SELECT FROM dispatcher.ledgers l WHERE l.ledger_id = id)
      ORDER BY id
      ON CONFLICT DO NOTHING;
    RETURN QUERY
      WITH locked AS MATERIALIZED (
        SELECT l.* FROM dispatcher.ledgers l
        WHERE l.ledger_id = ANY (ledger_ids) ORDER BY l.ledger_id FOR UPDATE
      )
      SELECT l.ledger_id, l.epoch, l.position::text, l.is_gap_allowed, l.parked_reason IS NOT NULL,
        (SELECT coalesce(json_agg(json_build_object(
            'id', e.id, 'shard', e.shard, 'isEnabled', e.status = 'enabled', 'ownerId', e.owner_id,
            'eventTypes', e.event_types, 'accountIds', e.account_ids, 'ordering', e.ordering,
            'createdAtMicros', (extract(epoch from e.created_at) * 1000000)::bigint::text)), '[]')
          FROM dispatcher.endpoints e WHERE e.ledger_id = l.ledger_id AND e.deleted_at IS NULL)
      FROM locked l;
  END $$;
`;

/**
 * Partitions are made and dropped as their owner, whom the app's role is not. A table is made first and attached
 * then, which waits for no reader and no writer. Dropping one does wait, and not for long: it is tried again.
 */
const dayFunctions = `
  CREATE FUNCTION dispatcher.make_days_v1(days date[]) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = ''
  SET timezone = 'UTC'
  SET lock_timeout = '5s'
  AS $$
  DECLARE
    wanted date;
    kind text;
    partition text;
  BEGIN
    FOREACH wanted IN ARRAY days LOOP
      IF wanted NOT BETWEEN current_date - 60 AND current_date + 7 THEN
        RAISE EXCEPTION 'no partitions are made for %', wanted;
      END IF;
      -- Attempts are made last: where theirs are, all are.
      CONTINUE WHEN to_regclass('dispatcher.attempts_' || to_char(wanted, 'YYYYMMDD')) IS NOT NULL;
      PERFORM pg_advisory_xact_lock(7165901333);
      FOREACH kind IN ARRAY ARRAY['events', 'deliveries', 'attempts'] LOOP
        partition := kind || '_' || to_char(wanted, 'YYYYMMDD');
        CONTINUE WHEN to_regclass('dispatcher.' || partition) IS NOT NULL;
        EXECUTE format('CREATE TABLE dispatcher.%I (LIKE dispatcher.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)',
          partition, kind);
        EXECUTE format('ALTER TABLE dispatcher.%I ATTACH PARTITION dispatcher.%I FOR VALUES FROM (%L) TO (%L)',
          kind, partition, wanted, wanted + 1);
      END LOOP;
    END LOOP;
  END $$;

  -- One day at a time: whoever calls it again gets the next.
  CREATE FUNCTION dispatcher.drop_day_before_v1(first_kept date) RETURNS date
  LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = ''
  SET timezone = 'UTC'
  SET lock_timeout = '1s'
  AS $$
  DECLARE
    oldest text;
    kind text;
  BEGIN
    IF first_kept > current_date - 7 THEN
      RAISE EXCEPTION 'nothing of the last seven days is dropped';
    END IF;
    PERFORM pg_advisory_xact_lock(7165901333);
    SELECT min(right(c.relname, 8)) INTO oldest
      FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
      WHERE i.inhparent IN ('dispatcher.events'::regclass, 'dispatcher.deliveries'::regclass,
        'dispatcher.attempts'::regclass);
    IF oldest IS NULL OR to_date(oldest, 'YYYYMMDD') >= first_kept THEN
      RETURN NULL;
    END IF;
    FOREACH kind IN ARRAY ARRAY['attempts', 'deliveries', 'events'] LOOP
      EXECUTE format('DROP TABLE IF EXISTS dispatcher.%I', kind || '_' || oldest);
    END LOOP;
    RETURN to_date(oldest, 'YYYYMMDD');
  END $$;
`;
