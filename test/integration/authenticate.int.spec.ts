import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { Controller, Get, Module, type Type } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import pg from 'pg';
import { Registry } from 'prom-client';
import { Access, AccessModule, authenticateRequests } from '#access';
import { connectionLimitSpecs, createHttpApp } from '#http';
import { createLog, readEnvironment } from '#platform';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { insertKey } from '../support/keys.js';
import { SECRETS_KEY } from '../support/product.js';
import { plantSigningKey, sentAs, sign, type SigningKey } from '../support/signing.js';

const mebibyte = 1_048_576;

let database: TestDatabase;
let app: NestFastifyApplication;
let secret: string;
let signing: SigningKey;
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
  signing = await plantSigningKey(database, rows[0]!.id, ['accounts:read']);
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
    connectionLimits: readEnvironment({}, connectionLimitSpecs),
    bodyBytesMax: 64 * mebibyte,
    bodiesBytesMax: 16 * 1_048_576,
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

const port = () => (app.getHttpServer().address() as AddressInfo).port;

afterAll(async () => {
  await app.close();
  await database.drop();
});

test('a key that is known is let in without a promise', async () => {
  for (let n = 0; n < 5; n++) {
    const headers = { authorization: `Bearer ${secret}` };
    expect((await fetch(`http://127.0.0.1:${port()}/plain`, { headers })).status).toBe(200);
  }
  expect(atOnce).toHaveLength(5);
  // It is looked up once, or each second where the machine is slow.
  expect(atOnce[0]).toBe(false);
  expect(atOnce.filter(Boolean).length).toBeGreaterThanOrEqual(1);
});

test('bodies whose signatures are still to be looked at take no more memory than they may, together', async () => {
  const { headers } = sentAs(sign(signing, 'POST', '/plain'));
  const lines = Object.entries(headers ?? {}).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${String(value)}`],
  );
  /** Sends so much of a body of 60 MiB, as long as it is read. */
  const send = async (mebibytes: number): Promise<{ socket: Socket; answer: () => string }> => {
    const socket = connect(port(), '127.0.0.1');
    let answer = '';
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
    const head = ['GET /plain HTTP/1.1', 'host: x', `content-length: ${60 * mebibyte}`, ...lines];
    socket.write(`${head.join('\r\n')}\r\n\r\n`);
    for (let sent = 0; sent < mebibytes && !socket.destroyed; sent++) {
      if (socket.write(Buffer.alloc(mebibyte))) continue;
      await Promise.race([once(socket, 'drain'), once(socket, 'close')]).catch(() => undefined);
    }
    return { socket, answer: () => answer };
  };
  const first = await send(45);
  const second = await send(59);
  expect(first.answer()).toBe('');
  if (!second.socket.destroyed) await once(second.socket, 'close');
  // A caller that is still sending when the connection ends may miss why it did.
  expect(second.answer()).toMatch(/^$|^HTTP\/1\.1 503 .*"code":"overloaded"/s);
  expect(first.socket.destroyed).toBe(false);
  for (const { socket } of [first, second]) socket.destroy();
  const isFree = async () => {
    const signed = sentAs(sign(signing, 'GET', '/plain')).headers as Record<string, string>;
    const sent = Object.entries(signed).filter(([, value]) => value !== undefined);
    return (await fetch(`http://127.0.0.1:${port()}/plain`, { headers: Object.fromEntries(sent) })).status;
  };
  expect(await isFree()).toBe(200);
  const third = await send(45);
  expect([third.answer(), third.socket.destroyed]).toEqual(['', false]);
  third.socket.destroy();
}, 60_000);
