import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Who may call: ledgers, and the keys that open them. Of a key's secret only the SHA-256 is kept. */
export class Access1763700000004 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE SCHEMA access;

      CREATE TABLE access.ledgers (
        id         uuid PRIMARY KEY,
        name       text NOT NULL,
        mode       text NOT NULL CHECK (mode IN ('live', 'test')),
        is_first   boolean UNIQUE CHECK (is_first),
        created_at timestamptz NOT NULL DEFAULT now()
      );

      CREATE TABLE access.api_keys (
        id           uuid PRIMARY KEY,
        ledger_id    uuid NOT NULL REFERENCES access.ledgers (id),
        name         text NOT NULL,
        secret_hash  bytea NOT NULL UNIQUE,
        scopes       text[] NOT NULL,
        is_bootstrap boolean UNIQUE CHECK (is_bootstrap),
        created_at   timestamptz NOT NULL DEFAULT now()
      );
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP SCHEMA access CASCADE');
  }
}
