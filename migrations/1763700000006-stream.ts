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
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP SCHEMA stream CASCADE');
  }
}
