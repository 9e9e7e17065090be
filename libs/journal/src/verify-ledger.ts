import type pg from 'pg';
import { postedBalance, type Account, type DomainEvent } from '#domain';
import { microsSql } from '#platform';
import {
  decodeEvent,
  eventColumnsSql,
  readEventRow,
  type EventRow,
  type RecordedEvent,
} from './event-codec.js';
import { LedgerFold, type Difference } from './ledger-fold.js';

export interface VerifiedLedger {
  readonly ledgerId: string;
  readonly events: number;
  /** Events whose data a person's right has blanked: their hashes hold, their effects can't be recomputed. */
  readonly erased: number;
  readonly accounts: number;
  readonly difference: Difference | null;
}

/** Sees each run of events in order, and may compare something else with it. */
export type EventObserver = (
  events: readonly { readonly recorded: RecordedEvent; readonly event: DomainEvent | null }[],
) => Promise<Difference | null>;

const eventsPerRead = 2_000;

/**
 * Recomputes a ledger from its journal and compares everything that was written beside it: positions, hashes,
 * times, the balances in each leg, accounts, sums, idempotency keys, external ids. To be called in a
 * REPEATABLE READ transaction, so that all of it is of one moment.
 */
export async function verifyLedger(
  db: pg.ClientBase,
  ledgerId: string,
  observe: EventObserver = () => Promise.resolve(null),
): Promise<VerifiedLedger> {
  const fold = new LedgerFold(ledgerId);
  const result = (difference: Difference | null): VerifiedLedger => {
    return { ledgerId, events: fold.events, erased: fold.erased, accounts: fold.accounts.size, difference };
  };
  for (;;) {
    const recorded = await readNext(db, ledgerId, fold.position);
    if (recorded.length === 0) break;
    const run = [];
    for (const one of recorded) {
      const difference = fold.add(one);
      if (difference) return result(difference);
      run.push({ recorded: one, event: decodeEvent(one) });
    }
    const difference = await observe(run);
    if (difference) return result(difference);
  }
  return result(
    (await verifyHead(db, fold)) ??
      (await verifyAccounts(db, fold)) ??
      (await verifyRequests(db, ledgerId)) ??
      (await verifyExternalIds(db, fold)),
  );
}

async function readNext(db: pg.ClientBase, ledgerId: string, after: bigint): Promise<RecordedEvent[]> {
  const { rows } = await db.query<EventRow>({
    text: `SELECT ${eventColumnsSql('v')} FROM journal.events v
      WHERE v.ledger_id = $1 AND v.position > $2 ORDER BY v.position LIMIT $3`,
    values: [ledgerId, after, eventsPerRead],
  });
  return rows.map(readEventRow);
}

async function verifyHead(db: pg.ClientBase, fold: LedgerFold): Promise<Difference | null> {
  const { rows } = await db.query<{ position: string; epoch: number; hash: string; recorded_at: string }>({
    text: `SELECT position::text, epoch, encode(hash, 'hex') AS hash, ${microsSql('recorded_at')} AS recorded_at
      FROM journal.heads WHERE ledger_id = $1`,
    values: [fold.ledgerId],
  });
  const head = rows[0];
  const ofLastEvent =
    fold.events === 0
      ? null
      : (fold.difference('head epoch', null, fold.epoch, head?.epoch) ??
        fold.difference('head recorded_at', null, fold.recordedAt, head?.recorded_at));
  return (
    fold.difference('head position', null, fold.position, head?.position) ??
    fold.difference('head hash', null, fold.hash.toString('hex'), head?.hash) ??
    ofLastEvent
  );
}

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
async function verifyAccounts(db: pg.ClientBase, fold: LedgerFold): Promise<Difference | null> {
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
    if (fold.accounts.has(id) || fold.erasedOpenings.has(BigInt(openedPosition))) continue;
    return fold.difference(`account ${id}`, null, 'no such account', 'a row');
  }
  for (const account of fold.accounts.values()) {
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
  const expected = fold.patchedAccountIds.has(account.id)
    ? balanceColumns(account)
    : {
        ...balanceColumns(account),
        ...otherColumns(account),
        opened_position: String(fold.openedPositions.get(account.id)),
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
  const { rows } = await db.query<{ currency: string; sum: string }>({
    text: `SELECT currency, sum(posted_credits - posted_debits)::text AS sum FROM ledger.accounts
      WHERE ledger_id = $1 GROUP BY currency HAVING sum(posted_credits - posted_debits) <> 0 ORDER BY currency`,
    values: [fold.ledgerId],
  });
  const row = rows[0];
  return row ? fold.difference(`sum of all balances in ${row.currency}`, null, '0', row.sum) : null;
}

/**
 * Every request covers events of its own key and hash, and every event with a key is covered by one request.
 * Owners are told apart by the requests alone: two may use the same key.
 */
async function verifyRequests(db: pg.ClientBase, ledgerId: string): Promise<Difference | null> {
  const { rows } = await db.query<{ key: string; position: string; expected: string; found: string }>({
    text: `WITH kept AS (
        SELECT key, request_hash, first_position AS first, last_position AS last
        FROM journal.requests WHERE ledger_id = $1
      ), keyed AS (
        SELECT idempotency_key AS key, request_hash, position
        FROM journal.events WHERE ledger_id = $1 AND idempotency_key IS NOT NULL
      ), differences AS (
        SELECT k.key, k.first AS position, 'a request for ' || (k.last - k.first + 1) || ' events' AS found,
          count(e.position) || ' such events' AS expected
        FROM kept k LEFT JOIN keyed e
          ON e.key = k.key AND e.request_hash = k.request_hash AND e.position BETWEEN k.first AND k.last
        GROUP BY k.key, k.request_hash, k.first, k.last
        HAVING count(e.position) <> k.last - k.first + 1
        UNION ALL
        SELECT e.key, e.position, count(k.key) || ' requests', '1 request'
        FROM keyed e LEFT JOIN kept k
          ON k.key = e.key AND k.request_hash = e.request_hash AND e.position BETWEEN k.first AND k.last
        GROUP BY e.key, e.position
        HAVING count(k.key) <> 1
      )
      SELECT key, position::text, expected, found FROM differences ORDER BY differences.position, found LIMIT 1`,
    values: [ledgerId],
  });
  const row = rows[0];
  if (!row) return null;
  const { key, position, expected, found } = row;
  return { ledgerId, subject: `idempotency key ${key}`, position: BigInt(position), expected, found };
}

async function verifyExternalIds(db: pg.ClientBase, fold: LedgerFold): Promise<Difference | null> {
  const { rows } = await db.query<{ external_id: string; transaction_id: string }>({
    text: `SELECT external_id, transaction_id FROM ledger.transaction_external_ids
      WHERE ledger_id = $1 ORDER BY external_id`,
    values: [fold.ledgerId],
  });
  const found = new Map(rows.map((row) => [row.external_id, row.transaction_id]));
  for (const [externalId, transactionId] of found) {
    if (fold.transactionExternalIds.has(externalId) || fold.erasedTransactionIds.has(transactionId)) continue;
    return fold.difference(`external id ${externalId}`, null, 'no such id', transactionId);
  }
  for (const [externalId, transactionId] of fold.transactionExternalIds) {
    const difference = fold.difference(
      `external id ${externalId}`,
      null,
      transactionId,
      found.get(externalId),
    );
    if (difference) return difference;
  }
  return null;
}
