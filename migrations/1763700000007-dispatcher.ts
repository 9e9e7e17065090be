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
      CREATE INDEX endpoints_by_shard ON dispatcher.endpoints (shard, id) WHERE deleted_at IS NULL;

      -- How far a ledger that has endpoints was taken in, so that repeats are dropped and gaps are seen.
      CREATE TABLE dispatcher.ledgers (
        ledger_id     uuid PRIMARY KEY,
        epoch         integer,
        position      bigint,
        parked_reason text,
        parked_at     timestamptz
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
        -- The message's value: the envelope, and the legs by which it is matched.
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
        -- Null in the states that end a delivery.
        next_attempt_at  timestamptz,
        is_manual        boolean NOT NULL DEFAULT false,
        last_status_code integer,
        created_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (day, event_id, endpoint_id)
      ) PARTITION BY RANGE (day);
      CREATE INDEX deliveries_by_id ON dispatcher.deliveries (id);
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

      -- Events that left a lane without success: the lane's next body names them.
      CREATE TABLE dispatcher.lane_skips (
        endpoint_id uuid NOT NULL,
        account_id  uuid NOT NULL,
        event_id    uuid NOT NULL,
        skipped_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (endpoint_id, account_id, event_id)
      );

      -- Whoever holds a shard's advisory lock raises its term; a write that names an older one changes nothing.
      CREATE TABLE dispatcher.shards (
        shard  smallint PRIMARY KEY,
        term   bigint NOT NULL DEFAULT 0,
        holder text
      );
      INSERT INTO dispatcher.shards (shard) SELECT generate_series(0, 63);

      CREATE TABLE dispatcher.members (
        id      uuid PRIMARY KEY,
        seen_at timestamptz NOT NULL
      );

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
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP SCHEMA dispatcher CASCADE');
  }
}
