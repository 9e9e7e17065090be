import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What lists need of transactions that go on after they were made, and what balances by effective time need of
 * those that took effect before they were recorded. How the last two tables are read is in
 * apps/ledger/src/projections/backdating.ts.
 */
export class LifecycleLists1763700000013 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- The hold of a capture, and how far a transaction has come, as the newest event about it tells.
      ALTER TABLE projections.transactions ADD COLUMN parent_id uuid, ADD COLUMN progress json;

      -- Whose an account of a hold was and who might see it: of what has moved money, entries tell that.
      ALTER TABLE projections.transaction_parties ADD COLUMN hold_owner_id text, ADD COLUMN hold_visibility text;

      -- Posted legs that took effect before they were recorded; recorded_sum is the account's sum of them up to
      -- and with this one, in the order of the journal.
      CREATE TABLE projections.backdated_legs (
        ledger_id    uuid NOT NULL,
        account_id   uuid NOT NULL,
        position     bigint NOT NULL,
        leg          integer NOT NULL,
        direction    text NOT NULL,
        amount       numeric NOT NULL,
        effective_at timestamptz NOT NULL,
        recorded_sum numeric NOT NULL,
        PRIMARY KEY (ledger_id, account_id, position, leg)
      );
      CREATE INDEX backdated_legs_effective
        ON projections.backdated_legs (ledger_id, account_id, effective_at, position, leg);

      -- Their sums by effective time, at seven widths; a row changes with each leg that falls into it.
      CREATE TABLE projections.backdated_sums (
        ledger_id  uuid NOT NULL,
        account_id uuid NOT NULL,
        level      smallint NOT NULL,
        bucket     bigint NOT NULL,
        sum        numeric NOT NULL,
        PRIMARY KEY (ledger_id, account_id, level, bucket)
      ) WITH (fillfactor = 70);
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE projections.backdated_sums;
      DROP TABLE projections.backdated_legs;
      ALTER TABLE projections.transaction_parties DROP COLUMN hold_owner_id, DROP COLUMN hold_visibility;
      ALTER TABLE projections.transactions DROP COLUMN parent_id, DROP COLUMN progress;
    `);
  }
}
