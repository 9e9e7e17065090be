import type { MigrationInterface, QueryRunner } from 'typeorm';

/** How far the journal has been published to Kafka, and who publishes. */
export class Publishing1763700000008 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE SCHEMA publishing;

      -- The last event of each ledger that Kafka has acknowledged.
      CREATE TABLE publishing.checkpoints (
        ledger_id     uuid PRIMARY KEY,
        epoch         integer NOT NULL,
        position      bigint NOT NULL CHECK (position >= 0),
        parked_reason text
      ) WITH (fillfactor = 20);

      -- Whoever begins to publish raises the term, and every checkpoint that is saved names it: what a process
      -- saves that has lost the lead without knowing changes nothing.
      CREATE TABLE publishing.leadership (
        is_the_only_row boolean PRIMARY KEY DEFAULT true CHECK (is_the_only_row),
        term            bigint NOT NULL
      ) WITH (fillfactor = 20);
      INSERT INTO publishing.leadership (term) VALUES (0);
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP SCHEMA publishing CASCADE');
  }
}
