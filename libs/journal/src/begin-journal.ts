import { genesisHash } from './event-chain.js';

/** A connection, in a transaction where the ledger is made in one. */
interface Queries {
  query(text: string, values: unknown[]): Promise<unknown>;
}

/** Begins a ledger's journal; does nothing where it has one. */
export async function beginJournal(db: Queries, ledgerId: string): Promise<void> {
  await db.query(
    `INSERT INTO journal.heads (ledger_id, epoch, position, hash, recorded_at)
    VALUES ($1, 1, 0, $2, clock_timestamp()) ON CONFLICT (ledger_id) DO NOTHING`,
    [ledgerId, genesisHash(ledgerId)],
  );
}
