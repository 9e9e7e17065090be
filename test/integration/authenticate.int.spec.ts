import type { AddressInfo } from 'node:net';
import { Controller, Get, Module, type Type } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import pg from 'pg';
import { Registry } from 'prom-client';
import { Access, AccessModule, authenticateRequests } from '#access';
import { createHttpApp, createLog } from '#platform';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { insertKey } from '../support/keys.js';
import { SECRETS_KEY } from '../support/product.js';

let database: TestDatabase;
let app: NestFastifyApplication;
let secret: string;
/** Of each request that was let in, whether that was found out without waiting for anything. */
const atOnce: boolean[] = [];

@Controller()
class PlainController {
  @Get('plain')
  @Access('accounts:read')
  plain() {
    return {};
  }
}

beforeAll(async () => {
  database = await createTestDatabase();
  const db = new pg.Client({ connectionString: database.superuserUrl });
  await db.connect();
  const { rows } = await db.query<{ id: string }>(
    `INSERT INTO access.ledgers (id, name, mode) VALUES (gen_random_uuid(), 'A ledger', 'live') RETURNING id`,
  );
  secret = await insertKey(db, rows[0]!.id, ['accounts:read']);
  await db.end();

  const [registry, log] = [new Registry(), createLog('test', 'silent')];
  const access = AccessModule.with({
    url: database.ledgerUrl,
    applicationName: 'test',
    secretsKey: SECRETS_KEY,
    rateLimitStore: 'memory',
    registry,
    logger: log.logger,
  });
  @Module({ imports: [access], controllers: [PlainController] })
  class PlainModule {}

  let isSameTurn = false;
  app = await createHttpApp({
    module: PlainModule as Type,
    log,
    registry,
    bodyBytesMax: 1_000,
    isOpen: () => false,
    authenticate: (fastify, nest) => {
      fastify.addHook('onRequest', (_request, _reply, done) => {
        isSameTurn = true;
        queueMicrotask(() => (isSameTurn = false));
        done();
      });
      authenticateRequests(fastify, nest, { isOpen: () => false, operatorApiKey: null });
      fastify.addHook('onRequest', (_request, _reply, done) => {
        atOnce.push(isSameTurn);
        done();
      });
    },
    translateError: () => null,
  });
  await app.listen(0, '127.0.0.1');
});

afterAll(async () => {
  await app.close();
  await database.drop();
});

test('a key that is known is let in without a promise', async () => {
  const { port } = app.getHttpServer().address() as AddressInfo;
  for (let n = 0; n < 5; n++) {
    const headers = { authorization: `Bearer ${secret}` };
    expect((await fetch(`http://127.0.0.1:${port}/plain`, { headers })).status).toBe(200);
  }
  expect(atOnce).toHaveLength(5);
  // It is looked up once, or each second where the machine is slow.
  expect(atOnce[0]).toBe(false);
  expect(atOnce.filter(Boolean).length).toBeGreaterThanOrEqual(1);
});
