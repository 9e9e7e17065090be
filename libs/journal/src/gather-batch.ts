import type pg from 'pg';
import { LedgerState, type Account } from '#domain';
import { microsSql, textArray, uuidArray } from '#platform';
import { accountSql, readAccountRow, type AccountRow } from './account-rows.js';
import {
  readEarlierRequests,
  requestsSql,
  type EarlierRequest,
  type RequestRow,
} from './earlier-requests.js';
import { gatherRules } from './gather-rules.js';
import { gatherTransactions, type ReferredTransactions } from './gather-transactions.js';
import type { KnownAccounts } from './known-accounts.js';
import { addCurrenciesOfHolds, namesOf, type RowNames } from './name-rows.js';
import type { QueuedUnit } from './queued-unit.js';
import { systemAccountId } from './system-account-id.js';

export interface Head {
  readonly epoch: number;
  readonly position: bigint;
  readonly hash: Buffer;
  readonly recordedAt: bigint;
}

/** A head with the numbers of two transactions: of the one that wrote it last, and of the one that has its lock. */
export interface LockedHead extends Head {
  readonly writtenBy: string;
  readonly lockedBy: string;
}

export interface Gathered {
  readonly state: LedgerState;
  readonly earlierRequests: ReadonlyMap<string, EarlierRequest>;
  /** Transactions that are there and can't be decided about: their data is erased (null), or can't be read. */
  readonly undecidable: ReadonlyMap<string, Error | null>;
}

/**
 * Begins the batch's transaction and locks the ledger's head. The lock is a statement of its own: what is
 * gathered after it sees every batch that held the lock before.
 */
export async function lockHead(
  client: pg.ClientBase,
  ledgerId: string,
  lockTimeoutMs: number,
): Promise<LockedHead> {
  const id = uuidLiteral(ledgerId);
  const results = (await client.query(`
    BEGIN ISOLATION LEVEL READ COMMITTED;
    SET LOCAL lock_timeout = ${Math.max(1, Math.floor(lockTimeoutMs))};
    SELECT epoch, position, encode(hash, 'hex') AS hash, ${microsSql('recorded_at')} AS recorded_at,
      xmin::text AS written_by, pg_current_xact_id()::xid::text AS locked_by
      FROM journal.heads WHERE ledger_id = ${id} FOR UPDATE`)) as unknown as pg.QueryResult<{
    epoch: number;
    position: string;
    hash: string;
    recorded_at: string;
    written_by: string;
    locked_by: string;
  }>[];
  const row = results.at(-1)?.rows[0];
  if (!row) throw new Error(`ledger ${ledgerId} has no journal`);
  return {
    epoch: row.epoch,
    position: BigInt(row.position),
    hash: Buffer.from(row.hash, 'hex'),
    recordedAt: BigInt(row.recorded_at),
    writtenBy: row.written_by,
    lockedBy: row.locked_by,
  };
}

/** Several statements in one round trip take no parameters, so the id is checked and written out. */
function uuidLiteral(uuid: string): string {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(uuid)) throw new Error(`${uuid} is not a UUID`);
  return `'${uuid}'::uuid`;
}

/**
 * Two steps in one call: what the commands name, then what those rows name (their currencies' system accounts).
 * OFFSET 0 makes the look-up of each key one by index, whatever the planner believes of a young table. Accounts of
 * transactions that commands refer to are named by their ids, system accounts among them.
 */
const gatherSql = `
  WITH named AS MATERIALIZED (
    SELECT found.currency, found.account FROM unnest($2::uuid[]) AS wanted(id) CROSS JOIN LATERAL (
      SELECT a.currency, ${accountSql('$9')} AS account FROM ledger.accounts a
      WHERE a.ledger_id = $1 AND a.id = wanted.id OFFSET 0
    ) found
  ), systems AS MATERIALIZED (
    SELECT ${accountSql('$9')} AS account FROM ledger.accounts a
    WHERE a.ledger_id = $1 AND a.system = ANY($3::text[])
      AND a.currency IN (SELECT currency FROM named UNION SELECT unnest($4::text[]))
  )
  SELECT (extract(epoch from clock_timestamp()) * 1000000)::bigint::text AS now,
    (SELECT json_agg(account) FROM (SELECT account FROM named UNION ALL SELECT account FROM systems) x) AS accounts,
    (${requestsSql}) AS requests,
    (SELECT json_agg(a.external_id) FROM ledger.accounts a
      WHERE a.ledger_id = $1 AND a.external_id = ANY($7::text[])) AS account_external_ids,
    (SELECT json_agg(x.external_id) FROM ledger.transaction_external_ids x
      WHERE x.ledger_id = $1 AND x.external_id = ANY($8::text[])) AS transaction_external_ids`;

export interface GatheredRow {
  readonly now: string;
  readonly accounts: AccountRow[] | null;
  readonly requests: RequestRow[] | null;
  readonly account_external_ids: string[] | null;
  readonly transaction_external_ids: string[] | null;
}

const noTransactions: ReferredTransactions = { stored: new Map(), undecidable: new Map(), accountIds: [] };

export interface LockedBatch {
  readonly head: LockedHead;
  readonly gathered: Gathered;
  /** Those of the accounts that came from the database. */
  readonly accountsRead: readonly Account[];
}

/**
 * Locks the head and reads, under the lock, everything that the batch's decisions need and that is not known from the
 * batch before. Both are sent before either is answered; on a client that does not pipeline the second waits here
 * instead of in the server. What only some batches need takes statements, and waits, of its own: transactions that
 * commands refer to before the rest, rates and the like after it.
 */
export async function lockAndGather(
  client: pg.ClientBase,
  ledgerId: string,
  lockTimeoutMs: number,
  units: readonly QueuedUnit[],
  memory: KnownAccounts,
): Promise<LockedBatch> {
  const names = namesOf(units);
  const locked = await lockAndRead(client, ledgerId, lockTimeoutMs, names, memory);
  const { head, transactions, row, accountsKnown, accountsRead } = locked;
  memory.noteGathered(accountsKnown.length, accountsRead.length);
  const accounts = [...accountsKnown, ...accountsRead];
  addCurrenciesOfHolds(names, transactions.stored.values());
  const rules = await gatherRules(client, ledgerId, names, accounts);
  const state = LedgerState.from({
    position: head.position,
    recordedAt: head.recordedAt,
    now: BigInt(row.now),
    accounts: [...accounts, ...rules.accounts],
    accountExternalIds: row.account_external_ids ?? [],
    transactionExternalIds: row.transaction_external_ids ?? [],
    transactions: transactions.stored,
    exchangeRates: rules.exchangeRates,
    currencies: rules.currencies,
    closedBefore: rules.closedBefore,
    systemAccountId: (name, currency) => systemAccountId(ledgerId, name, currency),
  });
  const earlierRequests = await readEarlierRequests(client, ledgerId, row.requests ?? []);
  const { undecidable } = transactions;
  return { head, gathered: { state, earlierRequests, undecidable }, accountsRead };
}

interface GatheredRows {
  readonly row: GatheredRow;
  readonly accountsKnown: readonly Account[];
  readonly accountsRead: readonly Account[];
}

async function lockAndRead(
  client: pg.ClientBase,
  ledgerId: string,
  lockTimeoutMs: number,
  names: RowNames,
  memory: KnownAccounts,
): Promise<GatheredRows & { readonly head: LockedHead; readonly transactions: ReferredTransactions }> {
  const locked = lockHead(client, ledgerId, lockTimeoutMs);
  // What is known of an account may lack its settings.
  const known = names.hasSettings ? null : memory.of(ledgerId);
  if (names.transactions.size === 0) {
    const [head, rows] = await Promise.all([locked, gather(client, ledgerId, names, known)]);
    const isKnown = memory.recognise(ledgerId, head);
    const transactions = noTransactions;
    if (isKnown || known === null) return { head, transactions, ...rows };
    return { head, transactions, ...(await gather(client, ledgerId, names, null)) };
  }
  const [head, transactions] = await Promise.all([
    locked,
    gatherTransactions(client, ledgerId, names.transactions),
  ]);
  for (const id of transactions.accountIds) names.accounts.add(id);
  const isKnown = memory.recognise(ledgerId, head);
  return { head, transactions, ...(await gather(client, ledgerId, names, isKnown ? known : null)) };
}

async function gather(
  client: pg.ClientBase,
  ledgerId: string,
  names: RowNames,
  memory: ReadonlyMap<string, Account> | null,
): Promise<GatheredRows> {
  const { known, unknown } = splitByMemory(names, memory);
  const row = await readNamed(client, ledgerId, names, known, unknown);
  return { row, accountsKnown: known, accountsRead: (row.accounts ?? []).map(readAccountRow) };
}

/** The accounts that are remembered, and the ids of those that have to be read. */
export function splitByMemory(
  names: RowNames,
  memory: ReadonlyMap<string, Account> | null,
): { readonly known: readonly Account[]; readonly unknown: readonly string[] } {
  const known: Account[] = [];
  const unknown: string[] = [];
  for (const id of names.accounts) {
    const account = memory?.get(id);
    if (account) known.push(account);
    else unknown.push(id);
  }
  return { known, unknown };
}

/**
 * Reads what a batch names, whatever it is; an id that is not there is left out.
 * @param known accounts: their currencies are those whose system accounts may be meant
 * @param unknown ids of the accounts to be read
 */
export async function readNamed(
  client: pg.ClientBase,
  ledgerId: string,
  names: RowNames,
  known: readonly Account[],
  unknown: readonly string[],
): Promise<GatheredRow> {
  const keys = [...names.keys.values()];
  const result = await client.query<GatheredRow>({
    name: 'gather-batch',
    text: gatherSql,
    values: [
      ledgerId,
      uuidArray(unknown, (id) => id),
      [...names.systems],
      [...new Set([...names.currencies, ...known.map(({ currency }) => currency)])],
      textArray(keys, ({ owner }) => owner),
      textArray(keys, ({ key }) => key),
      [...names.accountExternalIds],
      [...names.transactionExternalIds],
      names.hasSettings,
      textArray(keys, ({ batchHash }) => batchHash),
    ],
  });
  const row = result.rows[0];
  if (!row) throw new Error('gathering a batch gave no row');
  return row;
}
