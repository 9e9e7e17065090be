import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Organizations and their ledgers, keys with owners, limits, signatures and several secrets, what is needed to
 * refuse a request that was seen before, the keys of client tokens, the audit log of both apps, shared rate
 * limits. Processes of the release before go on: they read api_keys.secret_hash, which stays for the keys that
 * were there, until such a key is changed or ended.
 */
export class Keys1763700000009 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE access.organizations (
        id         uuid PRIMARY KEY,
        name       text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp()
      );
      -- The first ledger belongs to none.
      ALTER TABLE access.ledgers ADD organization_id uuid REFERENCES access.organizations (id);
      CREATE INDEX ledgers_by_organization ON access.ledgers (organization_id, id);

      ALTER TABLE access.api_keys
        ALTER secret_hash DROP NOT NULL,
        ADD owner_id text,
        ADD signing text NOT NULL DEFAULT 'none' CHECK (signing IN ('none', 'required')),
        -- Null for none.
        ADD rate_limit_per_minute integer CHECK (rate_limit_per_minute > 0),
        ADD expires_at timestamptz,
        ADD last_used_at timestamptz,
        ADD deleted_at timestamptz,
        ADD updated_at timestamptz NOT NULL DEFAULT clock_timestamp();
      UPDATE access.api_keys SET updated_at = created_at;
      CREATE INDEX api_keys_by_ledger ON access.api_keys (ledger_id, id) WHERE deleted_at IS NULL;

      CREATE TABLE access.api_key_secrets (
        id            uuid PRIMARY KEY,
        key_id        uuid NOT NULL REFERENCES access.api_keys (id),
        secret_hash   bytea NOT NULL UNIQUE,
        -- AES-256-GCM under SECRETS_KEY, of keys that sign alone: signatures can't be checked with a hash.
        sealed_secret bytea,
        created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
        -- When a secret that was rotated out stops to work.
        ends_at       timestamptz
      );
      CREATE INDEX api_key_secrets_by_key ON access.api_key_secrets (key_id);
      INSERT INTO access.api_key_secrets (id, key_id, secret_hash, created_at)
        SELECT id, id, secret_hash, created_at FROM access.api_keys;

      -- Request ids that a signing key has used.
      CREATE TABLE access.nonces (
        key_id     uuid NOT NULL,
        request_id text NOT NULL,
        used_at    timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (key_id, request_id)
      );
      CREATE INDEX nonces_by_age ON access.nonces (used_at);

      -- What client tokens are signed with. A retired one signs no more, but its tokens live out their time.
      CREATE TABLE access.token_keys (
        id                 uuid PRIMARY KEY,
        public_jwk         json NOT NULL,
        -- AES-256-GCM under SECRETS_KEY.
        sealed_private_jwk bytea NOT NULL,
        created_at         timestamptz NOT NULL DEFAULT clock_timestamp(),
        retired_at         timestamptz
      );

      -- The number is the order of the list; ids say nothing of how much other ledgers do.
      CREATE TABLE access.audit_log (
        id        uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        number    bigint GENERATED ALWAYS AS IDENTITY,
        -- Null for what concerns no single ledger.
        ledger_id uuid,
        at        timestamptz NOT NULL DEFAULT clock_timestamp(),
        actor     text NOT NULL,
        action    text NOT NULL,
        subject   text NOT NULL,
        details   json NOT NULL
      );
      CREATE INDEX audit_log_by_ledger ON access.audit_log (ledger_id, number);

      INSERT INTO access.audit_log (ledger_id, at, actor, action, subject, details)
        SELECT ledger_id, at, actor, action, subject, details FROM dispatcher.audit_entries ORDER BY id;
      -- Dispatchers of the release before write to their own table.
      CREATE FUNCTION dispatcher.copy_audit_entry_v1() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
      BEGIN
        INSERT INTO access.audit_log (ledger_id, at, actor, action, subject, details)
          VALUES (NEW.ledger_id, NEW.at, NEW.actor, NEW.action, NEW.subject, NEW.details);
        RETURN NULL;
      END $$;
      CREATE TRIGGER copied_to_the_audit_log AFTER INSERT ON dispatcher.audit_entries
        FOR EACH ROW EXECUTE FUNCTION dispatcher.copy_audit_entry_v1();

      -- As the Postgres store of rate-limiter-flexible makes it, but unlogged: after a crash of the database the
      -- minute begins anew. Updates that change no index stay on their page.
      CREATE UNLOGGED TABLE access.rate_limits (
        key    varchar(255) PRIMARY KEY,
        points integer NOT NULL DEFAULT 0,
        expire bigint
      ) WITH (fillfactor = 20);
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TRIGGER copied_to_the_audit_log ON dispatcher.audit_entries;
      DROP FUNCTION dispatcher.copy_audit_entry_v1;
      DROP TABLE access.rate_limits, access.audit_log, access.token_keys, access.nonces, access.api_key_secrets;
      DROP INDEX access.api_keys_by_ledger;
      DELETE FROM access.api_keys WHERE secret_hash IS NULL;
      ALTER TABLE access.api_keys
        ALTER secret_hash SET NOT NULL,
        DROP owner_id, DROP signing, DROP rate_limit_per_minute, DROP expires_at, DROP last_used_at,
        DROP deleted_at, DROP updated_at;
      ALTER TABLE access.ledgers DROP organization_id;
      DROP TABLE access.organizations;
    `);
  }
}
