import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What is added to an index of trigrams waits in a list until that is full, and who fills it moves all of it into the
 * index. With the 4 MB of the default that is a tenth of a second, in which a batch that changes accounts keeps its
 * ledger. Filled sooner, it is a few milliseconds each time.
 */
export class ShortNameLists1763700000016 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER INDEX ledger.accounts_name SET (gin_pending_list_limit = 128)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER INDEX ledger.accounts_name RESET (gin_pending_list_limit)');
  }
}
