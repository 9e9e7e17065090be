import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { Client } from '../support/client.js';
import { cleanEnvironment, projectDirectory } from '../support/config.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { SECRETS_KEY, startDispatcher } from '../support/product.js';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

/** What the dispatcher says when it can't start. */
function complaintWith(env: Readonly<Record<string, string>>): string {
  const { status, stderr } = spawnSync(
    process.execPath,
    [join(projectDirectory, 'dist/apps/webhook-dispatcher/src/main.js')],
    {
      encoding: 'utf8',
      timeout: 60_000,
      env: {
        ...cleanEnvironment(),
        DISPATCHER_DATABASE_URL: database.dispatcherUrl,
        SECRETS_KEY,
        ...env,
      },
    },
  );
  expect(status).toBe(1);
  expect(stderr.trim().split('\n')).toHaveLength(1);
  return stderr;
}

test('a wrong setting is named by the process that refuses to start', () => {
  expect(complaintWith({ WEBHOOK_ALLOW_HTTP: 'maybe' })).toMatch(
    /^webhook-dispatcher can't start: WEBHOOK_ALLOW_HTTP /,
  );
}, 90_000);

test.each(['ledgerUrl', 'ownerUrl'] as const)(
  'with a role that may read the journal it refuses to start: %s',
  (role) => {
    const complaint = complaintWith({ DISPATCHER_DATABASE_URL: database[role] });
    expect(complaint).toContain('may read journal.events');
  },
  90_000,
);

test('it tells that it lives and is ready, and its metrics, to anybody, and stops when told', async () => {
  const dispatcher = await startDispatcher({ databaseUrl: database.dispatcherUrl });
  const nobody = new Client(dispatcher.url, 'nobody');
  for (const path of ['/health/live', '/health/ready']) {
    expect((await nobody.get(path, { headers: { authorization: undefined } })).body).toEqual({
      status: 'ok',
    });
  }
  const metrics = await nobody.get('/metrics', { headers: { authorization: undefined } });
  expect(metrics.text).toContain('http_request_seconds_count');
  nobody.close();
  expect(await dispatcher.stop()).toEqual({ code: 0, signal: null });
}, 90_000);
