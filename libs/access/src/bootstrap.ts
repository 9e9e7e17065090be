import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';

import { secretHashOf } from './api-keys.js';
import { ApiKey, Ledger } from './entities.js';
import { scopes } from './scopes.js';
import { newUuid } from '#platform';

/** The first ledger and its first key, which come from the environment instead of from another key. */
@Injectable()
export class Bootstrap {
  constructor(@InjectDataSource() private readonly database: DataSource) {}

  /**
   * Makes the first ledger where there is none, and makes the secret given its bootstrap key's secret (an
   * earlier one stops working). Several processes may do so at once.
   * @returns the ledger's id
   */
  async openFirstLedger(secret: string): Promise<string> {
    return this.database.transaction(async (manager) => {
      const ledgers = manager.getRepository(Ledger);
      await ledgers.createQueryBuilder().insert().values(firstLedger()).orIgnore().execute();
      const ledger = await ledgers.findOneByOrFail({ isFirst: true });
      const keys = manager.getRepository(ApiKey);
      const values = { ...bootstrapKey(ledger.id), secretHash: secretHashOf(secret) };
      await keys.createQueryBuilder().insert().values(values).orIgnore().execute();
      await keys.update({ isBootstrap: true }, { secretHash: values.secretHash, scopes: values.scopes });
      return ledger.id;
    });
  }
}

function firstLedger() {
  return { id: newUuid(), name: 'First ledger', mode: 'live', isFirst: true } as const;
}

function bootstrapKey(ledgerId: string) {
  return { id: newUuid(), ledgerId, name: 'Bootstrap key', scopes: [...scopes], isBootstrap: true };
}
