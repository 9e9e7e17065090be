import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Whose endpoint a delivery is for, where that is made by a key bound to an owner: their list is read from rows of
 * theirs alone. Keys of owners are as new as this, so that no delivery from before has one.
 */
export class DeliveriesOfOwners1763700000011 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE dispatcher.deliveries ADD owner_id text;
      CREATE INDEX deliveries_by_owner ON dispatcher.deliveries (ledger_id, owner_id, id)
        WHERE owner_id IS NOT NULL;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE dispatcher.deliveries DROP owner_id');
  }
}
