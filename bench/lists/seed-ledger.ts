import type pg from 'pg';

export interface SeedSize {
  readonly transactions: number;
  readonly accounts: number;
}

/** The id of the account with this number, from 0. The one with number 0 has a tenth of all transactions. */
export function seededAccountId(number: number): string {
  return `00000000-0000-7000-8000-${number.toString(16).padStart(12, '0')}`;
}

export const seededRootId = '00000000-0000-8000-8000-0000000000ff';

/** What references contain: of the newest seven tenths, of the oldest three, of the oldest hundredth, of one. */
export const seededReferences = {
  common: 'invoice',
  clustered: 'lastschrift',
  oldest: 'migrated',
  single: 'zebra crossing',
} as const;

/**
 * A ledger with accounts and transactions, written by SQL as the journal would have them: for measuring how
 * lists read, not for the money in it. Hashes are filler. For the owner of the database.
 */
export async function seedLedger(db: pg.ClientBase, ledgerId: string, size: SeedSize): Promise<void> {
  const { transactions, accounts } = size;
  await seedAccounts(db, ledgerId, accounts);
  await seedTransactions(db, ledgerId, size);
  await db.query(
    `INSERT INTO journal.heads (ledger_id, epoch, position, hash, recorded_at)
     SELECT $1::uuid, 1, $2::bigint, '\\x00', max(recorded_at) FROM journal.events WHERE ledger_id = $1`,
    [ledgerId, accounts + 1 + transactions],
  );
}

const accountIdSql = (number: string) =>
  `('00000000-0000-7000-8000-' || lpad(to_hex(${number}), 12, '0'))::uuid`;

async function seedAccounts(db: pg.ClientBase, ledgerId: string, accounts: number): Promise<void> {
  await db.query(
    `INSERT INTO ledger.accounts (ledger_id, id, system, name, currency, visibility, external_id, owner_id,
       status, min_balance, max_balance, posted_debits, posted_credits, pending_debits, pending_credits, version,
       settings_version, entry_number, metadata, opened_position, created_at, updated_at)
     SELECT $1::uuid, ${accountIdSql('n')}, NULL::text, 'Customer ' || md5(n::text), CASE WHEN n % 100 = 7 THEN 'USD' ELSE 'EUR' END,
       CASE WHEN n % 50 = 3 THEN 'public' ELSE 'private' END, CASE WHEN n % 2 = 0 THEN 'customer-' || n END,
       CASE WHEN n % 4 = 0 THEN 'owner-' || n / 8 END,
       CASE WHEN n % 500 = 11 THEN 'frozen' WHEN n % 500 = 13 THEN 'closed' ELSE 'open' END,
       0, NULL::numeric, 0, 0, 0, 0, 1, 1, 0, '{}'::json, n + 1, t.at, t.at
     FROM generate_series(0, $2::bigint - 1) n
     CROSS JOIN LATERAL (SELECT timestamptz '2026-01-01Z' + n * interval '1 second' AS at) t
     UNION ALL
     SELECT $1::uuid, '${seededRootId}', 'ROOT', 'ROOT', 'EUR', 'private', NULL, NULL, 'open', NULL, NULL, 0, 0, 0, 0, 1, 1,
       0, '{}', $2::bigint + 1, '2026-01-01Z', '2026-01-01Z'`,
    [ledgerId, accounts],
  );
  await db.query(
    `INSERT INTO journal.events (${eventColumns})
     SELECT $1::uuid, 1, a.opened_position, md5('event ' || a.opened_position)::uuid, 'account.opened', 1, NULL,
       json_build_object('account', json_build_object('id', a.id, 'system', a.system, 'ownerId', a.owner_id)),
       ${hashesSql('a.opened_position')}, NULL, NULL,
       timestamptz '2026-01-01Z' + a.opened_position * interval '1 second',
       timestamptz '2026-01-01Z' + a.opened_position * interval '1 second', '\\x00'
     FROM ledger.accounts a WHERE a.ledger_id = $1 ORDER BY a.opened_position`,
    [ledgerId],
  );
}

const eventColumns = `ledger_id, epoch, position, id, type, version, transaction_id, data, data_salt, data_hash,
  actor, idempotency_key, request_hash, recorded_at, effective_at, hash`;

const hashesSql = (seed: string) =>
  `decode(md5('salt ' || ${seed}), 'hex'), decode(md5('hash ' || ${seed}), 'hex'), 'key_1'`;

async function seedTransactions(
  db: pg.ClientBase,
  ledgerId: string,
  { transactions, accounts }: SeedSize,
): Promise<void> {
  await db.query(
    `INSERT INTO journal.events (${eventColumns})
     SELECT $1::uuid, 1, p.position, md5('event ' || p.position)::uuid, 'transaction.posted', 1, p.transaction_id,
       format('{"transactionId":"%s","type":"%s","reference":"%s","externalId":%s,"metadata":{"order":"%s"},"legs":[%s,%s]}',
         p.transaction_id, p.type, p.reference, CASE WHEN n % 10 = 0 THEN '"order-' || n || '"' ELSE 'null' END,
         md5(n::text), ${legSql(1, 'debit', 'sender')}, ${legSql(2, 'credit', 'recipient')})::json,
       ${hashesSql('p.position')}, 'request-' || n, decode(md5('request ' || n), 'hex'),
       timestamptz '2026-01-01Z' + p.position * interval '1 second',
       timestamptz '2026-01-01Z' + p.position * interval '1 second', '\\x00'
     FROM generate_series(1, $2::bigint) n
     CROSS JOIN LATERAL (
       SELECT n + $3::bigint + 1 AS position, md5('transaction ' || n)::uuid AS transaction_id,
         CASE WHEN n % 20 = 0 THEN 'mint' WHEN n % 50 = 7 THEN 'burn' ELSE 'transfer' END AS type,
         CASE WHEN n % 20 = 0 THEN NULL WHEN n % 10 = 3 THEN 0 ELSE n * 7919 % $3::bigint END AS sender,
         CASE WHEN n % 50 = 7 THEN NULL ELSE (n * 7919 + 1 + n % 37) % $3::bigint END AS recipient,
         CASE WHEN n % 1000 = 11 THEN 'USD' ELSE 'EUR' END AS currency,
         CASE WHEN n % 5000 = 1 THEN 1000000 ELSE n % 5000 + 1 END AS amount,
         CASE WHEN n * 2 = $2::bigint THEN 'Zebra crossing' WHEN n * 100 < $2::bigint THEN 'Migrated balance'
           WHEN n * 10 < $2::bigint * 3 THEN 'Lastschrift' ELSE 'Invoice' END
           || ' INV-' || lpad((n * 7919 % 1000003)::text, 8, '0') AS reference
     ) p ORDER BY n`,
    [ledgerId, transactions, accounts],
  );
}

function legSql(leg: number, direction: string, side: string): string {
  return `format('{"leg":${leg},"accountId":"%s","system":%s,"ownerId":%s,"visibility":"private",'
      '"direction":"${direction}","amount":"%s","currency":"%s","posted":"%s","pendingIn":"0","pendingOut":"0",'
      '"available":"%s","version":%s,"entryNumber":%s}',
    coalesce(${accountIdSql(`p.${side}`)}, '${seededRootId}'), CASE WHEN p.${side} IS NULL THEN '"ROOT"' ELSE 'null' END,
    CASE WHEN p.${side} % 4 = 0 THEN '"owner-' || p.${side} / 8 || '"' ELSE 'null' END, p.amount, p.currency,
    n % 100000, n % 100000, n / 100 + 1, n / 100 + 1)`;
}
