import { ledgerIdOf } from '#contracts';
import { formatTimestamp, microsSql, newUuid, type Page, type PageRequest } from '#platform';
import type { AccessDatabase, Database } from '../access-database.js';
import { writeAudit } from '../audit.js';
import { insertKey, type KeyWithSecret } from '../keys/create-key.js';
import { operatorOf } from '../keys/key.js';
import { pageOfRows } from '../page-of-rows.js';
import type { Mode } from '../principals.js';
import { scopes } from '../scopes.js';
import { findOrganization, organizationIdOf } from './organizations.js';

export interface LedgerDraft {
  readonly name: string;
  readonly mode: Mode;
}

export interface LedgerRow extends LedgerDraft {
  readonly id: string;
  readonly created_at: string;
}

/** What begins the journal of a ledger, in the transaction that makes it: the journal's own part. */
export type BeginJournal = (db: Database, ledgerId: string) => Promise<void>;

const columns = `id, name, mode, ${microsSql('created_at')} AS created_at`;

export function presentLedger({ id, name, mode, created_at }: LedgerRow) {
  return { id: ledgerIdOf(id), name, mode, createdAt: formatTimestamp(BigInt(created_at)) };
}

/** Makes a ledger of an organization, its journal, and its first key, which has every scope. */
export async function createLedger(
  database: AccessDatabase,
  beginJournal: BeginJournal,
  actor: string,
  organizationId: string,
  { name, mode }: LedgerDraft,
): Promise<KeyWithSecret & { readonly ledger: LedgerRow }> {
  return database.transaction(async (db) => {
    await findOrganization(db, organizationId);
    const [ledger] = await db.query<LedgerRow>(
      `INSERT INTO access.ledgers (id, organization_id, name, mode) VALUES ($1, $2, $3, $4) RETURNING ${columns}`,
      [newUuid(), organizationId, name, mode],
    );
    if (!ledger) throw new Error('a ledger was not made');
    await beginJournal(db, ledger.id);
    const details = { organization: organizationIdOf(organizationId), after: { name, mode } };
    const subject = ledgerIdOf(ledger.id);
    await writeAudit(db, { ledgerId: ledger.id, actor, action: 'ledger.created', subject, details });
    const first = await insertKey(db, database, operatorOf(ledger.id, actor), {
      name: 'First key',
      scopes,
      ownerId: null,
      signing: 'none',
      rateLimitPerMinute: undefined,
      expiresAt: null,
    });
    return { ...first, ledger };
  });
}

/** An organization's ledgers; all there are, the first one too, where none is named. */
export async function listLedgers(
  db: Database,
  organizationId: string | null,
  page: PageRequest,
): Promise<Page<LedgerRow>> {
  const rows =
    organizationId === null
      ? { columns, from: 'FROM access.ledgers WHERE true', values: [] }
      : { columns, from: 'FROM access.ledgers WHERE organization_id = $1', values: [organizationId] };
  const scope = { list: 'ledgers', owner: organizationId ?? 'operator', filters: {} };
  const ledgers = await pageOfRows<LedgerRow>(db, scope, rows, page);
  // Behind the page: a cursor that is no good is told before an organization that isn't there.
  if (organizationId !== null) await findOrganization(db, organizationId);
  return ledgers;
}
