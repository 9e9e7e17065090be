import { hash, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { Registry } from 'prom-client';
import type { CreateTransactionCommand, LedgerCommand, TransactionDraft } from '#domain';
import {
  Journal,
  verifyLedger,
  type BatchItem,
  type BatchMode,
  type BatchOutcome,
  type JournalSettings,
  type Outcome,
  type VerifiedLedger,
  type WriteRequest,
} from '#journal';
import { moveOf, openingOf, type Opening } from './ledger-fixtures.js';

/** A journal of its own, as one process of the product has it. */
export class JournalProcess {
  /** Messages of its log, oldest first. */
  readonly logged: string[] = [];
  readonly registry = new Registry();
  readonly journal: Journal;

  constructor(url: string, limits: Partial<JournalSettings> = {}) {
    const settings = {
      url,
      connectionsMax: 4,
      queueCommandsMax: 20_000,
      queueBytesMax: 64 * 1_048_576,
      queueCommandsPerLedgerMax: 20_000,
      ...limits,
    };
    const write = (_fields: object, message: string) => this.logged.push(message);
    this.journal = new Journal(settings, this.registry, { warn: write, error: write });
  }

  async newLedger(): Promise<TestLedger> {
    const ledgerId = randomUUID();
    await this.journal.createLedger(ledgerId);
    return new TestLedger(this.journal, ledgerId);
  }

  /** The same ledger, written by this process. */
  ledger(of: TestLedger): TestLedger {
    return new TestLedger(this.journal, of.ledgerId);
  }

  stop(): Promise<void> {
    return this.journal.drain(10_000);
  }
}

export interface Asked {
  readonly key?: string;
  /** What makes two requests with one key the same; the key itself where nothing is said. */
  readonly body?: string;
  readonly owner?: string;
  readonly isDryRun?: boolean;
  readonly deadlineMs?: number;
  readonly bytes?: number;
}

export class TestLedger {
  constructor(
    readonly journal: Journal,
    readonly ledgerId: string,
  ) {}

  request(asked: Asked = {}): WriteRequest {
    const { key, body = key, owner = '', isDryRun = false, deadlineMs = 10_000, bytes = 100 } = asked;
    return {
      ledgerId: this.ledgerId,
      actor: 'key_test',
      owner,
      mayMint: true,
      mayBurn: true,
      isDryRun,
      idempotencyKey: key ?? null,
      requestHash: hashOf(body),
      deadlineAt: performance.now() + deadlineMs,
      bytes,
    };
  }

  submit(command: LedgerCommand, asked?: Asked): Promise<Outcome> {
    return this.journal.submit(this.request(asked), command);
  }

  batch(mode: BatchMode, items: readonly BatchItem[], asked?: Asked): Promise<BatchOutcome> {
    return this.journal.submitBatch(this.request(asked), { mode, items });
  }

  /** A new account with this balance. */
  async open(balance = 0n, opening: Opening = {}): Promise<string> {
    const accountId = randomUUID();
    const brought = balance === 0n ? {} : { balance: { transactionId: randomUUID(), amount: balance } };
    const outcome = await this.submit(openingOf(accountId, { ...opening, ...brought }));
    if (!outcome.accepted) throw new Error(`the account was refused: ${outcome.refusal.code}`);
    return accountId;
  }

  move(
    sender: string,
    recipient: string,
    amount: bigint,
    asked?: Asked,
    changes?: Partial<TransactionDraft>,
  ): Promise<Outcome> {
    return this.submit(moveOf(randomUUID(), sender, recipient, amount, changes), asked);
  }
}

/** An item of a batch, under a key of its own or none. */
export function itemOf(command: CreateTransactionCommand, key?: string, body = key): BatchItem {
  return { command, idempotencyKey: key ?? null, requestHash: hashOf(body) };
}

function hashOf(body: string | undefined): Buffer | null {
  return body === undefined ? null : hash('sha256', body, 'buffer');
}

/** 'accepted', 'replayed', the refusal's code, or the code of an error. */
export function fateOf(submitted: Promise<Outcome | BatchOutcome>): Promise<string> {
  return submitted.then(fateText, ({ code, message }: Error & { readonly code?: string }) => code ?? message);
}

function fateText(outcome: Outcome | BatchOutcome): string {
  if (!outcome.accepted) return outcome.refusal.code;
  return outcome.isReplay ? 'replayed' : 'accepted';
}

/** The same of each item of a batch; of a batch that was refused, or not decided, alone of that. */
export async function fatesOf(submitted: Promise<BatchOutcome>): Promise<string[]> {
  const fate = await fateOf(submitted);
  return fate === 'accepted' || fate === 'replayed' ? itemFatesOf(await submitted) : [fate];
}

function itemFatesOf(outcome: BatchOutcome): string[] {
  return outcome.accepted ? outcome.items.map(fateText) : [];
}

export function count(fates: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const fate of fates) counts[fate] = (counts[fate] ?? 0) + 1;
  return counts;
}

/** A session of its own, for as long as the work takes. */
export async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

export function queryRows<Row extends pg.QueryResultRow>(
  url: string,
  text: string,
  values: unknown[] = [],
): Promise<Row[]> {
  return withClient(url, async (client) => (await client.query<Row>(text, values)).rows);
}

/** The balances of a ledger's accounts: [posted, version, entryNumber] by id. */
export async function balancesOf(url: string, { ledgerId }: TestLedger) {
  const rows = await queryRows<{ id: string; posted: string; version: string; entry_number: string }>(
    url,
    `SELECT id, (posted_credits - posted_debits)::text AS posted, version::text, entry_number::text
      FROM ledger.accounts WHERE ledger_id = $1`,
    [ledgerId],
  );
  return new Map(
    rows.map((row) => [
      row.id,
      { posted: BigInt(row.posted), version: Number(row.version), entryNumber: Number(row.entry_number) },
    ]),
  );
}

/** How many transactions with this reference the journal has. */
export async function timesPosted(url: string, { ledgerId }: TestLedger, reference: string) {
  const rows = await queryRows<{ n: number }>(
    url,
    `SELECT count(*)::int AS n FROM journal.events WHERE ledger_id = $1 AND data->>'reference' = $2`,
    [ledgerId, reference],
  );
  return rows[0]!.n;
}

export function verified(url: string, ledgerId: string): Promise<VerifiedLedger> {
  return withClient(url, async (client) => {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    return verifyLedger(client, ledgerId);
  });
}

/**
 * What verify finds first after these statements of a superuser, which no trigger stops and which are taken back.
 * `:ledger` in them is the ledger's id.
 */
export function differenceAfter(url: string, { ledgerId }: TestLedger, statements: readonly string[]) {
  return withClient(url, async (client) => {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    await client.query('SET LOCAL session_replication_role = replica');
    for (const statement of statements) {
      const { rowCount } = await client.query(statement.replaceAll(':ledger', `'${ledgerId}'`));
      expect(rowCount).toBeGreaterThan(0);
    }
    const { difference } = await verifyLedger(client, ledgerId);
    await client.query('ROLLBACK');
    return difference;
  });
}

/** The whole of it recomputed: positions, chain, balances, sums, keys. */
export async function expectSound(url: string, { ledgerId }: TestLedger): Promise<VerifiedLedger> {
  const result = await verified(url, ledgerId);
  expect(result.difference).toBeNull();
  return result;
}

/** Locks the ledger's head in a session of its own, so that whatever comes waits in the lanes. */
export async function holdHead(url: string, { ledgerId }: TestLedger): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query('BEGIN');
  await client.query('SELECT 1 FROM journal.heads WHERE ledger_id = $1 FOR UPDATE', [ledgerId]);
  return async () => {
    await client.query('ROLLBACK');
    await client.end();
  };
}

/** Waits for something that another process of the system does. */
export async function until(condition: () => Promise<boolean> | boolean, limitMs = 5_000): Promise<void> {
  const deadlineAt = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > deadlineAt) throw new Error(`not so after ${limitMs} ms`);
    await sleep(5);
  }
}

/** Sessions of the write pools in this database, by what they wait for. */
export async function writeSessions(url: string) {
  return queryRows<{ pid: number; state: string; wait_event: string | null; query: string }>(
    url,
    `SELECT pid, state, wait_event, query FROM pg_stat_activity
      WHERE datname = current_database() AND application_name = 'ledger-write'`,
  );
}
