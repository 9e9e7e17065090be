import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { secretHashOf } from './api-keys.js';
import { writeAudit } from './audit.js';
import { ApiKey, ApiKeySecret, Ledger } from './entities.js';
import { keyIdOf } from './keys/key.js';
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
      await keys.createQueryBuilder().insert().values(bootstrapKey(ledger.id)).orIgnore().execute();
      const key = await keys.findOneOrFail({
        where: { isBootstrap: true },
        lock: { mode: 'pessimistic_write' },
      });
      const secretHash = secretHashOf(secret);
      await keys.update({ id: key.id }, { legacySecretHash: secretHash, scopes: [...scopes] });
      const secrets = manager.getRepository(ApiKeySecret);
      if (await secrets.existsBy({ keyId: key.id, secretHash })) return ledger.id;
      await secrets.delete({ keyId: key.id });
      await secrets.insert({ id: newUuid(), keyId: key.id, secretHash });
      await writeAudit(manager, {
        ledgerId: ledger.id,
        actor: 'environment',
        action: 'bootstrap_key.set',
        subject: keyIdOf(key.id),
        details: {},
      });
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
