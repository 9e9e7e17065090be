import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import pg from 'pg';
import type { TimeBasis } from '../../apps/ledger/src/accounts/balances-at.js';
import { GetBalanceAt, GetBalanceAtHandler } from '../../apps/ledger/src/accounts/get-balance-at.js';
import { GetStatement, GetStatementHandler } from '../../apps/ledger/src/accounts/get-statement.js';
import { statementCsv } from '../../apps/ledger/src/accounts/statement-csv.js';
import type { StatementLine } from '../../apps/ledger/src/accounts/statement-lines.js';
import type { ProjectionWaiter } from '../../apps/ledger/src/projections/projection-waiter.js';
import { statementAccountId, statementYear } from './seed-statement.js';

const bases: readonly TimeBasis[] = ['recorded', 'effective'];
const selector = { id: statementAccountId };
const operator = { ownerId: null };

export interface BalanceFigures {
  readonly by: TimeBasis;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly maxMs: number;
}

export interface StatementFigures {
  readonly by: TimeBasis;
  readonly as: 'lines' | 'csv';
  readonly lines: number;
  readonly seconds: number;
  /** Until the balances are known and the first line is there. */
  readonly firstMs: number;
  /** In use while it is read, beyond what was before. */
  readonly heapMiBMax: number;
}

/** How long a balance as of a time takes, at times all over the year. */
export async function measureBalances(
  pool: pg.Pool,
  waiter: ProjectionWaiter,
  ledgerId: string,
  samples: number,
): Promise<BalanceFigures[]> {
  const handler = new GetBalanceAtHandler(pool, waiter);
  const figures: BalanceFigures[] = [];
  for (const by of bases) {
    const times: number[] = [];
    for (let sample = 0; sample <= samples; sample++) {
      const part = BigInt((sample * 7919) % 100_003);
      const at = statementYear.from + ((statementYear.to - statementYear.from) * part) / 100_003n;
      const startedAt = performance.now();
      await handler.execute(new GetBalanceAt(ledgerId, selector, at, by, operator));
      // The first has the connection to make.
      if (sample > 0) times.push(performance.now() - startedAt);
    }
    times.sort((a, b) => a - b);
    const quantile = (share: number) => rounded(times[Math.floor((times.length - 1) * share)] ?? 0);
    figures.push({ by, p50Ms: quantile(0.5), p95Ms: quantile(0.95), maxMs: quantile(1) });
  }
  return figures;
}

/** Reads the whole year, as lines and as a file. */
export async function measureStatements(
  pool: pg.Pool,
  waiter: ProjectionWaiter,
  ledgerId: string,
): Promise<StatementFigures[]> {
  const handler = new GetStatementHandler(pool, waiter);
  const figures: StatementFigures[] = [];
  for (const by of bases) {
    for (const as of ['lines', 'csv'] as const) {
      const heapBefore = heapBytes();
      const startedAt = performance.now();
      const query = new GetStatement(ledgerId, selector, statementYear, by, operator);
      const statement = await handler.execute(query);
      if (!statement) throw new Error('the account of the statement is missing');
      const seen = { lines: 0, firstMs: 0, heapBytesMax: 0, balance: statement.openingBalance };
      const watched = watch(statement.lines, seen, startedAt);
      if (as === 'lines') for await (const _line of watched);
      else for await (const _chunk of statementCsv(presented(watched)));
      if (seen.balance !== statement.closingBalance) throw new Error(`a statement by ${by} doesn't add up`);
      figures.push({
        by,
        as,
        lines: seen.lines,
        seconds: rounded((performance.now() - startedAt) / 1_000),
        firstMs: seen.firstMs,
        heapMiBMax: rounded((seen.heapBytesMax - heapBefore) / 1_048_576),
      });
    }
  }
  return figures;
}

const linesPerLook = 50_000;

async function* watch(
  lines: AsyncIterable<StatementLine>,
  seen: { lines: number; firstMs: number; heapBytesMax: number; balance: bigint },
  startedAt: number,
): AsyncGenerator<StatementLine> {
  for await (const line of lines) {
    if (seen.lines === 0) seen.firstMs = rounded(performance.now() - startedAt);
    seen.lines += 1;
    seen.balance += line.direction === 'credit' ? line.amount : -line.amount;
    if (seen.lines % linesPerLook === 0) seen.heapBytesMax = Math.max(seen.heapBytesMax, heapBytes());
    yield line;
  }
}

/** As the API would show them, ids apart. */
async function* presented(lines: AsyncIterable<StatementLine>) {
  for await (const line of lines) {
    yield {
      id: `${line.eventId}.${line.leg}`,
      transactionId: line.transactionId,
      direction: line.direction,
      amount: line.amount.toString(),
      balanceAfter: line.balanceAfter.toString(),
      entryNumber: line.entryNumber,
      counterparty: line.counterparty.accountId,
      reference: line.reference,
      createdAt: line.recordedAt.toString(),
      effectiveAt: line.effectiveAt.toString(),
    };
  }
}

function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

function rounded(value: number): number {
  return Number(value.toFixed(1));
}
