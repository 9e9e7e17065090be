import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The journal: events that nobody can change. What a role may do is granted in privileges.ts; the triggers
 * hold for the tables' owner as well.
 */
export class Journal1763700000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE SCHEMA journal;

      -- The row lock on a ledger's head orders its batches, so positions have no gaps and appear in order.
      CREATE TABLE journal.heads (
        ledger_id   uuid PRIMARY KEY,
        epoch       integer NOT NULL CHECK (epoch > 0),
        position    bigint NOT NULL CHECK (position >= 0),
        hash        bytea NOT NULL,
        recorded_at timestamptz NOT NULL
      ) WITH (fillfactor = 20);

      CREATE TABLE journal.events (
        ledger_id       uuid NOT NULL,
        epoch           integer NOT NULL,
        position        bigint NOT NULL CHECK (position > 0),
        id              uuid NOT NULL,
        type            text NOT NULL,
        version         integer NOT NULL,
        transaction_id  uuid,
        data            json,
        data_salt       bytea,
        data_hash       bytea NOT NULL,
        actor           text NOT NULL,
        idempotency_key text,
        request_hash    bytea,
        recorded_at     timestamptz NOT NULL,
        effective_at    timestamptz NOT NULL,
        hash            bytea NOT NULL,
        PRIMARY KEY (ledger_id, position)
      );
      CREATE INDEX events_by_transaction ON journal.events (ledger_id, transaction_id, position)
        WHERE transaction_id IS NOT NULL;

      CREATE TABLE journal.requests (
        ledger_id      uuid NOT NULL,
        owner          text NOT NULL,
        key            text NOT NULL,
        request_hash   bytea NOT NULL,
        first_position bigint NOT NULL,
        last_position  bigint NOT NULL,
        answer         json,
        PRIMARY KEY (ledger_id, owner, key)
      );

      CREATE FUNCTION journal.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        RAISE EXCEPTION '% on %.% is refused: the journal is append-only',
          TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
      END $$;

      -- A person's right to be forgotten blanks an event's data and its salt; the hashes stay and still chain.
      CREATE FUNCTION journal.refuse_change_but_erasure() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF NEW.data IS NULL AND NEW.data_salt IS NULL AND OLD.data IS NOT NULL
          AND (NEW.ledger_id, NEW.epoch, NEW.position, NEW.id, NEW.type, NEW.version, NEW.transaction_id,
               NEW.data_hash, NEW.actor, NEW.idempotency_key, NEW.request_hash, NEW.recorded_at,
               NEW.effective_at, NEW.hash)
            IS NOT DISTINCT FROM
              (OLD.ledger_id, OLD.epoch, OLD.position, OLD.id, OLD.type, OLD.version, OLD.transaction_id,
               OLD.data_hash, OLD.actor, OLD.idempotency_key, OLD.request_hash, OLD.recorded_at,
               OLD.effective_at, OLD.hash)
        THEN
          RETURN NEW;
        END IF;
        RAISE EXCEPTION 'UPDATE on journal.events is refused: the journal is append-only'
          USING ERRCODE = 'restrict_violation';
      END $$;

      CREATE TRIGGER refuse_update BEFORE UPDATE ON journal.events
        FOR EACH ROW EXECUTE FUNCTION journal.refuse_change_but_erasure();
      CREATE TRIGGER refuse_delete BEFORE DELETE ON journal.events
        FOR EACH ROW EXECUTE FUNCTION journal.refuse_change();
      CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON journal.events
        FOR EACH STATEMENT EXECUTE FUNCTION journal.refuse_change();
      CREATE TRIGGER refuse_update_or_delete BEFORE UPDATE OR DELETE ON journal.requests
        FOR EACH ROW EXECUTE FUNCTION journal.refuse_change();
      CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON journal.requests
        FOR EACH STATEMENT EXECUTE FUNCTION journal.refuse_change();
      CREATE TRIGGER refuse_delete BEFORE DELETE ON journal.heads
        FOR EACH ROW EXECUTE FUNCTION journal.refuse_change();
      CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON journal.heads
        FOR EACH STATEMENT EXECUTE FUNCTION journal.refuse_change();
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP SCHEMA journal CASCADE');
  }
}
