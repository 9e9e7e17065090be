import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Due holds are found ledger by ledger too, so that one with very many of them holds none of the others up. */
export class FairExpiry1763700000014 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE INDEX transaction_progress_expiry_by_ledger ON ledger.transaction_progress (ledger_id, expires_at)
        WHERE status IN ('pending', 'partially_captured') AND expires_at IS NOT NULL;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX ledger.transaction_progress_expiry_by_ledger');
  }
}
