import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { findFreePort } from '../../tools/start/free-port.js';
import { cleanEnvironment, projectDirectory } from '../support/config.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { BOOTSTRAP_API_KEY, SECRETS_KEY } from '../support/product.js';
import { isReady } from '../support/running-process.js';
import { until } from '../support/until.js';

let database: TestDatabase;
let ledger: ChildProcess;

beforeAll(async () => {
  database = await createTestDatabase();
}, 60_000);

afterEach(() => ledger.kill('SIGKILL'));
afterAll(() => database.drop());

/** Ready, with its log in our hands. */
async function startLedger(): Promise<ChildProcess> {
  const port = await findFreePort();
  const child = fork(join(projectDirectory, 'dist/apps/ledger/src/main.js'), [], {
    cwd: projectDirectory,
    stdio: ['ignore', 'pipe', 'ignore', 'ipc'],
    env: {
      ...cleanEnvironment(),
      LEDGER_DATABASE_URL: database.ledgerUrl,
      PORT: String(port),
      BOOTSTRAP_API_KEY,
      SECRETS_KEY,
      LOG_LEVEL: 'debug',
    },
  });
  await until('the ledger is ready', () => isReady(`http://127.0.0.1:${port}`), 90);
  return child;
}

test('a process whose log nobody reads any more ends when it is told to', async () => {
  ledger = await startLedger();
  ledger.stdout?.destroy();
  const exited = once(ledger, 'exit', { signal: AbortSignal.timeout(40_000) });
  ledger.kill('SIGTERM');
  expect(await exited).toEqual([0, null]);
}, 150_000);

test('what it has logged is read to its end', async () => {
  ledger = await startLedger();
  let text = '';
  ledger.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const closed = once(ledger, 'close', { signal: AbortSignal.timeout(40_000) });
  ledger.kill('SIGTERM');
  expect(await closed).toEqual([0, null]);
  expect(text.trimEnd().split('\n').at(-1)).toContain('"msg":"stopped"');
}, 150_000);
