import type pg from 'pg';

export interface StatementSize {
  /** On the one account that there is beside ROOT, spread over the year 2025. */
  readonly lines: number;
  /** Each so-manieth took effect up to a month before it was recorded. */
  readonly backdatedEvery: number;
}

export const statementAccountId = '00000000-0000-7000-8000-00000000000a';
const rootId = '00000000-0000-8000-8000-0000000000fe';

/** Microseconds since 1970; all of the year is before the second. */
export const statementYear = {
  from: BigInt(Date.UTC(2025, 0, 1)) * 1_000n,
  to: BigInt(Date.UTC(2026, 0, 1)) * 1_000n,
} as const;

/**
 * A ledger in which all that happens is that money comes to one account and goes away again, written by SQL as the
 * journal would have it, right to the balance in each leg. Hashes are filler. For the owner of the database.
 */
export async function seedStatementLedger(
  db: pg.ClientBase,
  ledgerId: string,
  { lines, backdatedEvery }: StatementSize,
): Promise<void> {
  await db.query(
    `INSERT INTO journal.events (${eventColumns})
     SELECT $1::uuid, 1, p.position, md5('event ' || p.position)::uuid, 'account.opened', 1, NULL,
       json_build_object('account', json_build_object('id', p.id, 'system', p.system, 'ownerId', NULL)),
       '\\x01', '\\x02', 'key_1', timestamptz '2025-01-01Z', timestamptz '2025-01-01Z', '\\x00'
     FROM (VALUES (1, '${statementAccountId}'::uuid, NULL), (2, '${rootId}', 'ROOT')) AS p(position, id, system)`,
    [ledgerId],
  );
  await db.query(
    `INSERT INTO journal.events (${eventColumns})
     SELECT $1::uuid, 1, n + 2, md5('event ' || n)::uuid, 'transaction.posted', 1, t.id,
       format('{"transactionId":"%s","type":"%s","reference":"Order %s","externalId":null,"metadata":{},"legs":[%s,%s]%s}',
         t.id, CASE WHEN signed > 0 THEN 'mint' ELSE 'burn' END, n,
         CASE WHEN signed > 0 THEN ${legSql(1, 'debit', 'ROOT')} ELSE ${legSql(1, 'debit', 'account')} END,
         CASE WHEN signed > 0 THEN ${legSql(2, 'credit', 'account')} ELSE ${legSql(2, 'credit', 'ROOT')} END,
         CASE WHEN effective_at < recorded_at
           THEN format(',"effectiveAt":"%s"', to_char(effective_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')) END)::json,
       '\\x01', '\\x02', 'key_1', recorded_at, effective_at, '\\x00'
     FROM (
       SELECT n, signed, abs(signed) AS amount, sum(signed) OVER (ORDER BY n) AS posted, recorded_at,
         CASE WHEN n % $3::bigint = 0 THEN greatest(timestamptz '2025-01-01Z',
           recorded_at - (1 + n * 7919 * 997 % 2592000000000) * interval '1 microsecond')
           ELSE recorded_at END AS effective_at
       FROM generate_series(1, $2::bigint) n
       CROSS JOIN LATERAL (
         SELECT CASE WHEN n % 3 = 0 THEN -1 ELSE 1 END * (1 + n * 7919 % 1000) AS signed,
           timestamptz '2025-01-01Z' + n * (365 * 86400 / ($2::numeric + 1)) * interval '1 second' AS recorded_at
       ) d
     ) e CROSS JOIN LATERAL (SELECT md5('statement ' || n)::uuid AS id) t ORDER BY n`,
    [ledgerId, lines, backdatedEvery],
  );
  await db.query(
    `INSERT INTO ledger.accounts (ledger_id, id, system, name, currency, visibility, external_id, owner_id, status,
       min_balance, max_balance, posted_debits, posted_credits, pending_debits, pending_credits, version,
       settings_version, entry_number, metadata, opened_position, created_at, updated_at)
     SELECT $1::uuid, p.id, p.system, 'Statement', 'EUR', 'private', NULL, NULL, 'open', NULL, NULL, 0, 0, 0, 0, 1, 1, $2,
       '{}', p.position, '2025-01-01Z', '2025-01-01Z'
     FROM (VALUES (1, '${statementAccountId}'::uuid, NULL), (2, '${rootId}', 'ROOT')) AS p(position, id, system)`,
    [ledgerId, lines],
  );
  await db.query(
    `INSERT INTO journal.heads (ledger_id, epoch, position, hash, recorded_at)
     VALUES ($1, 1, $2::bigint + 2, '\\x00', '2026-01-01Z')`,
    [ledgerId, lines],
  );
}

const eventColumns = `ledger_id, epoch, position, id, type, version, transaction_id, data, data_salt, data_hash,
  actor, recorded_at, effective_at, hash`;

function legSql(leg: number, direction: string, party: 'account' | 'ROOT'): string {
  const [id, system, posted] =
    party === 'ROOT' ? [rootId, '"ROOT"', '-posted'] : [statementAccountId, 'null', 'posted'];
  return `format('{"leg":${leg},"accountId":"${id}","system":${system},"ownerId":null,"visibility":"private",'
    '"direction":"${direction}","amount":"%s","currency":"EUR","posted":"%s","pendingIn":"0","pendingOut":"0",'
    '"available":"0","version":%s,"entryNumber":%s}', amount, ${posted}, n + 1, n)`;
}
