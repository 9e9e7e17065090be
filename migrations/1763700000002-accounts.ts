import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The state that guards rules: written in the same transaction as the events that it follows from. */
export class Accounts1763700000002 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE EXTENSION IF NOT EXISTS pg_trgm;
      CREATE EXTENSION IF NOT EXISTS btree_gin;
      CREATE SCHEMA ledger;

      -- No index names a column that postings change, so that a posting rewrites one heap row and no index.
      CREATE TABLE ledger.accounts (
        ledger_id        uuid NOT NULL,
        id               uuid NOT NULL,
        system           text,
        name             text NOT NULL,
        currency         text NOT NULL,
        visibility       text NOT NULL,
        external_id      text,
        owner_id         text,
        status           text NOT NULL,
        min_balance      numeric,
        max_balance      numeric,
        posted_debits    numeric NOT NULL,
        posted_credits   numeric NOT NULL,
        pending_debits   numeric NOT NULL,
        pending_credits  numeric NOT NULL,
        version          bigint NOT NULL,
        settings_version bigint NOT NULL,
        entry_number     bigint NOT NULL,
        metadata         json NOT NULL,
        opened_position  bigint NOT NULL,
        created_at       timestamptz NOT NULL,
        updated_at       timestamptz NOT NULL,
        PRIMARY KEY (ledger_id, id)
      ) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);

      CREATE UNIQUE INDEX accounts_system ON ledger.accounts (ledger_id, system, currency)
        WHERE system IS NOT NULL;
      CREATE UNIQUE INDEX accounts_external_id ON ledger.accounts (ledger_id, external_id)
        WHERE external_id IS NOT NULL;
      CREATE INDEX accounts_opened ON ledger.accounts (ledger_id, opened_position) WHERE system IS NULL;
      CREATE INDEX accounts_owner ON ledger.accounts (ledger_id, owner_id, opened_position)
        WHERE owner_id IS NOT NULL;
      CREATE INDEX accounts_currency ON ledger.accounts (ledger_id, currency, opened_position)
        WHERE system IS NULL;
      CREATE INDEX accounts_visibility ON ledger.accounts (ledger_id, visibility, opened_position)
        WHERE system IS NULL;
      CREATE INDEX accounts_status ON ledger.accounts (ledger_id, status, opened_position)
        WHERE status <> 'open';
      CREATE INDEX accounts_name ON ledger.accounts USING gin (ledger_id, name gin_trgm_ops)
        WHERE system IS NULL;

      CREATE TABLE ledger.transaction_external_ids (
        ledger_id      uuid NOT NULL,
        external_id    text NOT NULL,
        transaction_id uuid NOT NULL,
        PRIMARY KEY (ledger_id, external_id)
      );
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP SCHEMA ledger CASCADE');
  }
}
