import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { scopes } from '#access';
import { genesisHash } from '#journal';
import { Client, startService, type Service } from './client.js';
import { insertKey } from './keys.js';

/** The ledger app with its first ledger, further ones, and clients of any owner in each. */
export interface LedgersOfOwners {
  readonly service: Service;
  readonly firstLedgerId: string;
  /** Another ledger, live and empty: its UUID. */
  addLedger(): Promise<string>;
  /** With every scope; bound to the owner, or to none. */
  clientOf(ledgerId: string, ownerId: string | null): Promise<Client>;
  stop(): Promise<void>;
}

export async function startLedgersOfOwners(): Promise<LedgersOfOwners> {
  const service = await startService();
  const db = new pg.Client({ connectionString: service.database.superuserUrl });
  await db.connect();
  const clients: Client[] = [];
  const { rows } = await db.query<{ id: string }>('SELECT id FROM access.ledgers WHERE is_first');
  return {
    service,
    firstLedgerId: rows[0]!.id,
    async addLedger() {
      const id = randomUUID();
      await db.query(`INSERT INTO access.ledgers (id, name, mode) VALUES ($1, 'A ledger', 'live')`, [id]);
      await db.query(
        `INSERT INTO journal.heads (ledger_id, epoch, position, hash, recorded_at)
        VALUES ($1, 1, 0, $2, clock_timestamp())`,
        [id, genesisHash(id)],
      );
      return id;
    },
    async clientOf(ledgerId, ownerId) {
      const secret = await insertKey(db, ledgerId, scopes, null, ownerId);
      const client = new Client(service.product.url, secret);
      clients.push(client);
      return client;
    },
    async stop() {
      for (const client of clients) client.close();
      await db.end();
      await service.stop();
    },
  };
}
