import type pg from 'pg';
import {
  LedgerState,
  systemAccountNames,
  type Account,
  type LedgerCommand,
  type SystemAccountName,
} from '#domain';
import { microsSql } from '#platform';
import { decodeEvent, eventColumnsSql, readEventRow, type EventRow } from './event-codec.js';
import { systemAccountId } from './system-account-id.js';
import type { CommittedEvent, QueuedCommand } from './write-request.js';

export interface Head {
  readonly epoch: number;
  readonly position: bigint;
  readonly hash: Buffer;
  readonly recordedAt: bigint;
}

/**
 * An earlier request that had one of the batch's idempotency keys. Its events are read when they are asked
 * for: one that a later release wrote can't be, and must fail the command that repeats it, not its batch.
 */
export interface EarlierRequest {
  readonly requestHash: string;
  readonly readEvents: () => readonly CommittedEvent[];
}

export interface Gathered {
  readonly state: LedgerState;
  readonly earlierRequests: ReadonlyMap<string, EarlierRequest>;
}

/**
 * Begins the batch's transaction and locks the ledger's head. The lock is a statement of its own: what is
 * gathered after it sees every batch that held the lock before.
 */
export async function lockHead(
  client: pg.ClientBase,
  ledgerId: string,
  lockTimeoutMs: number,
): Promise<Head> {
  const id = uuidLiteral(ledgerId);
  const results = (await client.query(`
    BEGIN ISOLATION LEVEL READ COMMITTED;
    SET LOCAL lock_timeout = ${Math.max(1, Math.floor(lockTimeoutMs))};
    SELECT epoch, position, encode(hash, 'hex') AS hash, ${microsSql('recorded_at')} AS recorded_at
      FROM journal.heads WHERE ledger_id = ${id} FOR UPDATE`)) as unknown as pg.QueryResult<{
    epoch: number;
    position: string;
    hash: string;
    recorded_at: string;
  }>[];
  const row = results.at(-1)?.rows[0];
  if (!row) throw new Error(`ledger ${ledgerId} has no journal`);
  return {
    epoch: row.epoch,
    position: BigInt(row.position),
    hash: Buffer.from(row.hash, 'hex'),
    recordedAt: BigInt(row.recorded_at),
  };
}

/** Several statements in one round trip take no parameters, so the id is checked and written out. */
function uuidLiteral(uuid: string): string {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(uuid)) throw new Error(`${uuid} is not a UUID`);
  return `'${uuid}'::uuid`;
}

/**
 * An account as an array, which is half the text of an object. What only a change of settings needs is left
 * out where no command of the batch makes one.
 */
const accountSql = `json_build_array(a.id, a.system, a.currency, a.visibility, a.owner_id, a.status,
  a.min_balance::text, a.max_balance::text, a.posted_debits::text, a.posted_credits::text, a.pending_debits::text,
  a.pending_credits::text, a.version, a.settings_version, a.entry_number,
  CASE WHEN $9 THEN json_build_array(a.name, a.external_id, a.metadata, ${microsSql('a.created_at')},
    ${microsSql('a.updated_at')}) END)`;

/**
 * Two steps in one call: what the commands name, then what those rows name (their currencies' system accounts).
 * OFFSET 0 makes the look-up of each key one by index, whatever the planner believes of a young table.
 */
const gatherSql = `
  WITH named AS MATERIALIZED (
    SELECT found.currency, found.account FROM unnest($2::uuid[]) AS wanted(id) CROSS JOIN LATERAL (
      SELECT a.currency, a.system, ${accountSql} AS account FROM ledger.accounts a
      WHERE a.ledger_id = $1 AND a.id = wanted.id OFFSET 0
    ) found WHERE found.system IS NULL
  ), systems AS MATERIALIZED (
    SELECT ${accountSql} AS account FROM ledger.accounts a
    WHERE a.ledger_id = $1 AND a.system = ANY($3::text[])
      AND a.currency IN (SELECT currency FROM named UNION SELECT unnest($4::text[]))
  )
  SELECT (extract(epoch from clock_timestamp()) * 1000000)::bigint::text AS now,
    (SELECT json_agg(account) FROM (SELECT account FROM named UNION ALL SELECT account FROM systems) x) AS accounts,
    (SELECT json_agg(x) FROM (
      SELECT q.owner, q.key, r.request_hash, (
        SELECT json_agg(e) FROM (
          SELECT ${eventColumnsSql('v')} FROM journal.events v
          WHERE v.ledger_id = $1 AND v.position BETWEEN r.first_position AND r.last_position
          ORDER BY v.position
        ) e
      ) AS events
      FROM unnest($5::text[], $6::text[]) q(owner, key)
      CROSS JOIN LATERAL (
        SELECT encode(request_hash, 'hex') AS request_hash, first_position, last_position FROM journal.requests
        WHERE ledger_id = $1 AND owner = q.owner AND key = q.key OFFSET 0
      ) r
    ) x) AS requests,
    (SELECT json_agg(a.external_id) FROM ledger.accounts a
      WHERE a.ledger_id = $1 AND a.external_id = ANY($7::text[])) AS account_external_ids,
    (SELECT json_agg(x.external_id) FROM ledger.transaction_external_ids x
      WHERE x.ledger_id = $1 AND x.external_id = ANY($8::text[])) AS transaction_external_ids`;

interface GatheredRow {
  readonly now: string;
  readonly accounts: AccountRow[] | null;
  readonly requests: { owner: string; key: string; request_hash: string; events: EventRow[] }[] | null;
  readonly account_external_ids: string[] | null;
  readonly transaction_external_ids: string[] | null;
}

/**
 * Locks the head and reads, under the lock, everything that the batch's decisions need. Both are sent before
 * either is answered; on a client that does not pipeline the second waits here instead of in the server.
 */
export async function lockAndGather(
  client: pg.ClientBase,
  ledgerId: string,
  lockTimeoutMs: number,
  commands: readonly QueuedCommand[],
): Promise<{ readonly head: Head; readonly gathered: Gathered }> {
  const [head, row] = await Promise.all([
    lockHead(client, ledgerId, lockTimeoutMs),
    gather(client, ledgerId, commands),
  ]);
  const state = LedgerState.from({
    position: head.position,
    recordedAt: head.recordedAt,
    now: BigInt(row.now),
    accounts: (row.accounts ?? []).map(readAccountRow),
    accountExternalIds: row.account_external_ids ?? [],
    transactionExternalIds: row.transaction_external_ids ?? [],
    systemAccountId: (name, currency) => systemAccountId(ledgerId, name, currency),
  });
  const earlierRequests = new Map<string, EarlierRequest>();
  for (const { owner, key, request_hash: requestHash, events } of row.requests ?? []) {
    earlierRequests.set(requestIdentity(owner, key), {
      requestHash,
      readEvents: () => events.map(readCommittedEvent),
    });
  }
  return { head, gathered: { state, earlierRequests } };
}

async function gather(
  client: pg.ClientBase,
  ledgerId: string,
  commands: readonly QueuedCommand[],
): Promise<GatheredRow> {
  const names = namesOf(commands);
  const result = await client.query<GatheredRow>({
    name: 'gather-batch',
    text: gatherSql,
    values: [
      ledgerId,
      [...names.accounts],
      [...names.systems],
      [...names.currencies],
      names.keys.map(({ owner }) => owner),
      names.keys.map(({ key }) => key),
      [...names.accountExternalIds],
      [...names.transactionExternalIds],
      names.hasSettings,
    ],
  });
  const row = result.rows[0];
  if (!row) throw new Error('gathering a batch gave no row');
  return row;
}

/** Keys of different owners never meet: an idempotency key has no control characters. */
export function requestIdentity(owner: string, key: string): string {
  return `${key}\n${owner}`;
}

function namesOf(commands: readonly QueuedCommand[]) {
  const names = {
    accounts: new Set<string>(),
    systems: new Set<string>(),
    currencies: new Set<string>(),
    accountExternalIds: new Set<string>(),
    transactionExternalIds: new Set<string>(),
    keys: [] as { owner: string; key: string }[],
    hasSettings: false,
  };
  for (const { request, command } of commands) {
    if (request.idempotencyKey !== null)
      names.keys.push({ owner: request.owner, key: request.idempotencyKey });
    addNames(names, command);
  }
  return names;
}

function addNames(names: ReturnType<typeof namesOf>, command: LedgerCommand): void {
  switch (command.kind) {
    case 'create-transaction':
      for (const { sender, recipient } of command.draft.postings) {
        for (const reference of [sender, recipient]) {
          if ((systemAccountNames as readonly string[]).includes(reference)) names.systems.add(reference);
          else names.accounts.add(reference);
        }
      }
      if (command.draft.externalId !== null) names.transactionExternalIds.add(command.draft.externalId);
      break;
    case 'open-account':
      if (command.settings.externalId !== null) names.accountExternalIds.add(command.settings.externalId);
      // A later command of the batch may move money between this account and a system account.
      names.currencies.add(command.currency);
      if (command.opening) names.systems.add('ROOT' satisfies SystemAccountName);
      break;
    case 'update-account':
      names.hasSettings = true;
      names.accounts.add(command.accountId);
      if (command.changes.externalId) names.accountExternalIds.add(command.changes.externalId);
      break;
    case 'close-account':
      names.hasSettings = true;
      names.accounts.add(command.accountId);
      break;
  }
}

type AccountRow = readonly [
  id: string,
  system: Account['system'],
  currency: string,
  visibility: Account['visibility'],
  ownerId: string | null,
  status: Account['status'],
  minBalance: string | null,
  maxBalance: string | null,
  postedDebits: string,
  postedCredits: string,
  pendingDebits: string,
  pendingCredits: string,
  version: number,
  settingsVersion: number,
  entryNumber: number,
  settings: SettingsRow | null,
];

type SettingsRow = readonly [
  name: string,
  externalId: string | null,
  metadata: Account['metadata'],
  createdAt: string,
  updatedAt: string,
];

/** Stands for settings that the batch has no use for. */
const noSettings: SettingsRow = ['', null, {}, '0', '0'];

function readAccountRow(row: AccountRow): Account {
  const [name, externalId, metadata, createdAt, updatedAt] = row[15] ?? noSettings;
  return {
    id: row[0],
    system: row[1],
    name,
    currency: row[2],
    visibility: row[3],
    externalId,
    ownerId: row[4],
    status: row[5],
    minBalance: row[6] === null ? null : BigInt(row[6]),
    maxBalance: row[7] === null ? null : BigInt(row[7]),
    postedDebits: BigInt(row[8]),
    postedCredits: BigInt(row[9]),
    pendingDebits: BigInt(row[10]),
    pendingCredits: BigInt(row[11]),
    version: row[12],
    settingsVersion: row[13],
    entryNumber: row[14],
    metadata,
    createdAt: BigInt(createdAt),
    updatedAt: BigInt(updatedAt),
  };
}

function readCommittedEvent(row: EventRow): CommittedEvent {
  const recorded = readEventRow(row);
  return {
    position: recorded.position,
    recordedAt: recorded.recordedAt,
    transactionId: recorded.transactionId,
    event: decodeEvent(recorded),
  };
}
