import type { Page, PageRequest } from '#platform';
import type { Database } from '../access-database.js';
import { pageOfRows } from '../page-of-rows.js';
import { keyColumnsSql, type KeyRow } from './key.js';

/** The keys of a ledger that aren't deleted, newest first; expired ones are among them. */
export function listKeys(db: Database, ledgerId: string, page: PageRequest): Promise<Page<KeyRow>> {
  const rows = {
    columns: keyColumnsSql,
    from: 'FROM access.api_keys WHERE ledger_id = $1 AND deleted_at IS NULL',
    values: [ledgerId],
  };
  return pageOfRows(db, { list: 'api-keys', owner: ledgerId, filters: {} }, rows, page);
}
