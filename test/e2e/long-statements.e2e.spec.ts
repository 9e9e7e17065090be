import { readFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { accountIdOf } from '#contracts';
import { seedStatementLedger, statementAccountId } from '../../bench/lists/seed-statement.js';
import { startService, type Service } from '../support/client.js';
import { until } from '../support/until.js';

/** A year of one account that is far longer than what the process may keep of it. */
const lines = 150_000;
let service: Service;

beforeAll(async () => {
  // Garbage is collected before it piles up: what is resident then is what is kept.
  const nodeOptions = ['--max-old-space-size=96', '--max-semi-space-size=2'];
  service = await startService({ nodeOptions });
  const owner = new pg.Client({ connectionString: service.database.superuserUrl });
  await owner.connect();
  const { rows } = await owner.query<{ id: string }>('SELECT id FROM access.ledgers WHERE is_first');
  // The ledger's journal begins anew, which is nobody's to do but a test's.
  await owner.query('SET session_replication_role = replica');
  await owner.query('DELETE FROM journal.heads WHERE ledger_id = $1', [rows[0]!.id]);
  await seedStatementLedger(owner, rows[0]!.id, { lines, backdatedEvery: 10 });
  await until(
    'the lists to have it',
    async () => {
      const { rows: behind } = await owner.query(
        `SELECT FROM journal.heads h LEFT JOIN projections.checkpoints c USING (ledger_id)
        WHERE h.position > coalesce(c.position, 0)`,
      );
      return behind.length === 0;
    },
    120,
  );
  await owner.query('VACUUM (ANALYZE)');
  await owner.end();
}, 180_000);

afterAll(() => service.stop());

function residentBytes(): number {
  const status = readFileSync(`/proc/${service.product.pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024;
}

/** Headers and nothing more: what follows is read by whoever asked. */
function ask(accept: string, by: string, to = '2026-01-01'): Promise<IncomingMessage> {
  const path = `/v1/accounts/${accountIdOf(statementAccountId)}/statement`;
  const url = `${service.product.url}${path}?from=2025-01-01T00:00:00Z&to=${to}T00:00:00Z&by=${by}`;
  const headers = { authorization: `Bearer ${service.product.apiKey}`, accept };
  return new Promise((resolve, reject) => get(url, { headers }, resolve).on('error', reject));
}

test.each([
  ['application/json', 'recorded'],
  ['text/csv', 'recorded'],
])(
  '%s by %s time is written as it is read, and waits for a slow reader',
  async (accept, by) => {
    // What a first one takes, and what was left over from before, is not this one's.
    for await (const _ of await ask(accept, by));
    const before = residentBytes();
    let [most, bytes, text] = [0, 0, ''];
    let rests = 0;
    const answer = await ask(accept, by);
    answer.setEncoding('utf8');
    expect(answer.statusCode).toBe(200);
    for await (const chunk of answer) {
      text += chunk as string;
      bytes += Buffer.byteLength(chunk as string);
      most = Math.max(most, residentBytes());
      // It stands still for as long as all of it would take to be made.
      if (bytes > 1_000_000 * (rests + 1) && rests < 3) {
        rests++;
        await sleep(1_000);
      }
    }
    expect(bytes).toBeGreaterThan(20_000_000);
    expect(most - before).toBeLessThan(bytes / 2);
    if (accept === 'text/csv') {
      expect(text.split('\r\n')).toHaveLength(lines + 2);
      return;
    }
    const { data } = JSON.parse(text) as {
      data: {
        openingBalance: string;
        lines: { amount: string; direction: string; balanceAfter: string }[];
        closingBalance: string;
      };
    };
    expect(data.lines).toHaveLength(lines);
    let balance = BigInt(data.openingBalance);
    const wrong = data.lines.filter(({ amount, direction, balanceAfter }) => {
      balance += direction === 'credit' ? BigInt(amount) : -BigInt(amount);
      return String(balance) !== balanceAfter;
    });
    expect(wrong).toEqual([]);
    expect(data.closingBalance).toBe(String(balance));
  },
  120_000,
);

test('a reader who goes away ends the reading', async () => {
  const answer = await ask('application/json', 'recorded');
  await new Promise((resolve) => answer.once('data', resolve));
  answer.destroy();
  await sleep(500);
  const owner = new pg.Client({ connectionString: service.database.superuserUrl });
  await owner.connect();
  const { rows } = await owner.query<{ state: string }>(
    `SELECT state FROM pg_stat_activity WHERE application_name = 'ledger-read' AND datname = current_database()
      AND state <> 'idle'`,
  );
  await owner.end();
  expect(rows).toEqual([]);
  expect(service.product.logs()).not.toContain('"level":50');
});
