import type pg from 'pg';
import { encodeTypeId } from '#contracts';
import type { BackedUpLedger } from './manifest.js';

type Head = Omit<BackedUpLedger, 'positionAfter'>;

/** How far every ledger has come; a scan over ledgers. */
export async function scanHeads(db: Pick<pg.ClientBase, 'query'>): Promise<Head[]> {
  const { rows } = await db.query<{ ledger_id: string; epoch: number; position: string; hash: string }>(
    `SELECT ledger_id, epoch, position::text, encode(hash, 'hex') AS hash FROM journal.heads ORDER BY ledger_id`,
  );
  return rows.map(({ ledger_id, ...head }) => ({ ledgerId: encodeTypeId('ldg', ledger_id), ...head }));
}

/** Names of the migrations that a database has. */
export async function readMigrations(db: Pick<pg.ClientBase, 'query'>): Promise<string[]> {
  const { rows } = await db.query<{ name: string }>('SELECT name FROM public.migrations ORDER BY id');
  return rows.map(({ name }) => name);
}
