import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Due holds are found ledger by ledger too, so that one with very many of them holds none of the others up. */
export class FairExpiry1763700000014 implements MigrationInterface {
  /** An index that is built while holds are made and captured is built outside of any. */
  readonly transaction = false;

  async up(runner: QueryRunner): Promise<void> {
    // One that was broken off leaves an index that nobody reads.
    await runner.query('DROP INDEX CONCURRENTLY IF EXISTS ledger.transaction_progress_expiry_by_ledger');
    await runner.query(`
      CREATE INDEX CONCURRENTLY transaction_progress_expiry_by_ledger
        ON ledger.transaction_progress (ledger_id, expires_at)
        WHERE status IN ('pending', 'partially_captured') AND expires_at IS NOT NULL
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX CONCURRENTLY ledger.transaction_progress_expiry_by_ledger');
  }
}
