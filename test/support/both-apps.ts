import pg from 'pg';
import { findFreePort } from '../../tools/start/free-port.js';
import { createTestDatabase, type TestDatabase } from './database.js';
import { startDispatcher, startProduct, type Product } from './product.js';
import { startReceiver, type Receiver } from './receiver.js';

/** Both apps on a database of their own, the ledger in front of the dispatcher, and a receiver of webhooks. */
export interface BothApps {
  readonly database: TestDatabase;
  readonly ledger: Product;
  readonly dispatcher: Product;
  readonly receiver: Receiver;
  /** As the superuser. */
  readonly db: pg.Client;
  stop(): Promise<void>;
}

export async function startBothApps(
  env: Readonly<Record<string, string>> = {},
  nodeOptions: readonly string[] = [],
): Promise<BothApps> {
  const database = await createTestDatabase();
  const port = await findFreePort();
  const DISPATCHER_URL = `http://127.0.0.1:${port}`;
  const ledger = await startProduct({
    databaseUrl: database.ledgerUrl,
    env: { ...env, DISPATCHER_URL },
    nodeOptions,
  });
  const dispatcher = await startDispatcher({ databaseUrl: database.dispatcherUrl, port, env, nodeOptions });
  const receiver = await startReceiver();
  const db = new pg.Client({ connectionString: database.superuserUrl });
  await db.connect();
  return {
    database,
    ledger,
    dispatcher,
    receiver,
    db,
    stop: async () => {
      await Promise.all([ledger.stop(), dispatcher.stop()]);
      await receiver.close();
      await db.end();
      await database.drop();
    },
  };
}
