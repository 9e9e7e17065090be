import type pg from 'pg';
import { postedBalance, type Account } from '#domain';
import { microsSql } from '#platform';
import type { Difference } from './difference.js';
import type { LedgerFold } from './ledger-fold.js';

type Columns = Readonly<Record<string, unknown>>;

const balanceColumnsSql = `'version', version, 'entry_number', entry_number,
  'posted', (posted_credits - posted_debits)::text,
  'pending_debits', pending_debits::text, 'pending_credits', pending_credits::text`;
const otherColumnsSql = `'system', system, 'name', name, 'currency', currency, 'visibility', visibility,
  'external_id', external_id, 'owner_id', owner_id, 'status', status, 'min_balance', min_balance::text,
  'max_balance', max_balance::text, 'posted_debits', posted_debits::text, 'posted_credits', posted_credits::text,
  'settings_version', settings_version, 'metadata', metadata, 'opened_position', opened_position::text,
  'created_at', ${microsSql('created_at')}, 'updated_at', ${microsSql('updated_at')}`;

/** Accounts as they are stored against what their events make of them. */
export async function verifyAccounts(db: pg.ClientBase, fold: LedgerFold): Promise<Difference | null> {
  const { rows } = await db.query<{ id: string; opened_position: string; columns: Columns }>({
    text: `SELECT id, opened_position::text,
        json_build_object(${balanceColumnsSql}, ${otherColumnsSql}) AS columns
      FROM ledger.accounts WHERE ledger_id = $1 ORDER BY id`,
    values: [fold.ledgerId],
  });
  const sums = await sumOfBalances(db, fold);
  if (sums) return sums;
  const found = new Map(rows.map(({ id, columns }) => [id, columns]));
  for (const { id, opened_position: openedPosition } of rows) {
    const isErased = fold.erasedTypes.get(BigInt(openedPosition)) === 'account.opened';
    if (fold.accounts.accounts.has(id) || isErased) continue;
    return fold.difference(`account ${id}`, null, 'no such account', 'a row');
  }
  for (const account of fold.accounts.accounts.values()) {
    const difference = verifyAccount(fold, account, found.get(account.id));
    if (difference) return difference;
  }
  return null;
}

function verifyAccount(fold: LedgerFold, account: Account, found: Columns | undefined): Difference | null {
  const subject = `account ${account.id}`;
  if (!found) return fold.difference(subject, null, 'a row', 'no such account');
  // Its last event was erased, so how it is now can't be told.
  if (fold.erased > 0 && Number(found['version']) > account.version) return null;
  const expected = fold.accounts.patchedIds.has(account.id)
    ? balanceColumns(account)
    : {
        ...balanceColumns(account),
        ...otherColumns(account),
        opened_position: String(fold.accounts.openedPositions.get(account.id)),
      };
  for (const [column, value] of Object.entries(expected)) {
    const difference = fold.difference(
      `${subject}: ${column}`,
      null,
      canonical(value),
      canonical(found[column]),
    );
    if (difference) return difference;
  }
  return null;
}

function balanceColumns(account: Account): Columns {
  return {
    version: account.version,
    entry_number: account.entryNumber,
    posted: postedBalance(account).toString(),
    pending_debits: account.pendingDebits.toString(),
    pending_credits: account.pendingCredits.toString(),
  };
}

function otherColumns(account: Account): Columns {
  return {
    system: account.system,
    name: account.name,
    currency: account.currency,
    visibility: account.visibility,
    external_id: account.externalId,
    owner_id: account.ownerId,
    status: account.status,
    min_balance: account.minBalance?.toString() ?? null,
    max_balance: account.maxBalance?.toString() ?? null,
    posted_debits: account.postedDebits.toString(),
    posted_credits: account.postedCredits.toString(),
    settings_version: account.settingsVersion,
    metadata: account.metadata,
    created_at: account.createdAt.toString(),
    updated_at: account.updatedAt.toString(),
  };
}

/** JSON with the fields of every object in one order; the order of metadata means nothing. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) =>
    item !== null && typeof item === 'object' && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );
}

async function sumOfBalances(db: pg.ClientBase, fold: LedgerFold): Promise<Difference | null> {
  const { rows } = await db.query<{ currency: string; posted: string; pending: string }>({
    text: `SELECT currency, sum(posted_credits - posted_debits)::text AS posted,
        sum(pending_credits - pending_debits)::text AS pending
      FROM ledger.accounts WHERE ledger_id = $1 GROUP BY currency
      HAVING sum(posted_credits - posted_debits) <> 0 OR sum(pending_credits - pending_debits) <> 0
      ORDER BY currency`,
    values: [fold.ledgerId],
  });
  const row = rows[0];
  if (!row) return null;
  return (
    fold.difference(`sum of all balances in ${row.currency}`, null, '0', row.posted) ??
    fold.difference(`sum of all that is pending in ${row.currency}`, null, '0', row.pending)
  );
}
