import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import { readReceiverSettings } from './config.js';
import { KnownSecrets } from './known-secrets.js';
import { createReceiver } from './receiver.js';

const secretOf = (byte: number) => `whsec_${Buffer.alloc(32, byte).toString('base64')}`;
const event = {
  type: 'transaction.posted',
  data: { amount: '250', currency: 'EUR', sender: 'acc_a', recipient: 'acc_b' },
};

let home: string;
let server: Server;
let url: string;
let printed: string[];

async function listen(secrets: KnownSecrets): Promise<void> {
  printed = [];
  server = createReceiver(secrets, (line) => printed.push(line));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

async function close(): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'receiver-'));
  await listen(new KnownSecrets([secretOf(1)], join(home, 'secrets')));
});

afterEach(async () => {
  await close();
  await rm(home, { recursive: true });
});

async function send(secret: string, body: string, sentAt = new Date(), path = ''): Promise<number> {
  const answer = await fetch(url + path, {
    method: 'POST',
    body,
    headers: {
      'webhook-id': 'evt_1',
      'webhook-timestamp': String(Math.floor(sentAt.getTime() / 1000)),
      'webhook-signature': new Webhook(secret).sign('evt_1', sentAt, body),
    },
  });
  await answer.arrayBuffer();
  return answer.status;
}

test('a webhook is one line with its id, type and amount, and 204 when its signature is right', async () => {
  expect(await send(secretOf(1), JSON.stringify(event))).toBe(204);
  expect(printed).toEqual([
    expect.stringMatching(
      /^Webhook received: \S+Z evt_1 transaction\.posted: 250 EUR from acc_a to acc_b, verified$/,
    ),
  ]);
  expect(await (await fetch(url)).text()).toBe(`${printed[0]?.replace('Webhook received: ', '')}\n`);
});

test.each([
  ['another secret', secretOf(2), new Date()],
  ['an old timestamp', secretOf(1), new Date(Date.now() - 3_600_000)],
])('%s: 400, and the line says so', async (_what, secret, sentAt) => {
  expect(await send(secret, JSON.stringify(event), sentAt)).toBe(400);
  expect(printed[0]).toMatch(/, NOT verified \(.+\)$/);
});

test('without any signature, or any secret: 400', async () => {
  expect((await fetch(url, { method: 'POST', body: '{}' })).status).toBe(400);
  await close();
  await listen(new KnownSecrets([], undefined));
  expect(await send(secretOf(1), '{}')).toBe(400);
  expect(printed[0]).toContain('no secret is known');
});

test('the answer that shows an endpoint its secret teaches it, for good', async () => {
  const answer = JSON.stringify({ data: { id: 'whe_1', secret: secretOf(3) } });
  expect((await fetch(`${url}secrets`, { method: 'POST', body: answer })).status).toBe(200);
  expect((await fetch(`${url}secrets`, { method: 'POST', body: '{"error":{}}' })).status).toBe(400);
  for (const byte of [3, 1]) expect(await send(secretOf(byte), JSON.stringify(event))).toBe(204);
  expect((await stat(join(home, 'secrets'))).mode & 0o777).toBe(0o600);
  await close();
  await listen(new KnownSecrets([], join(home, 'secrets')));
  expect(await send(secretOf(3), JSON.stringify(event))).toBe(204);
  expect(printed.join()).not.toContain('whsec_');
});

test('it keeps no more than 100 secrets, the newest', async () => {
  const secrets = new KnownSecrets([], join(home, 'many'));
  for (let byte = 0; byte < 120; byte++) secrets.add(secretOf(byte));
  const kept = (await readFile(join(home, 'many'), 'utf8')).split('\n');
  expect([kept.length, kept[0]]).toEqual([100, secretOf(119)]);
});

test.each([
  ['not JSON', 'nonsense\u001b[2J', 'bytes that are not a JSON object'],
  [
    'several postings',
    JSON.stringify({ type: 't', data: { id: 'txn_1', amount: null, postings: [1, 2] } }),
    't: txn_1 with 2 postings',
  ],
  [
    'an account',
    JSON.stringify({ type: 'account.opened', data: { id: 'acc_1', name: 'Al\u001b[2Jice\n' } }),
    'account.opened: acc_1 Al [2Jice',
  ],
])('%s is one printable line', async (_what, body, line) => {
  await send(secretOf(1), body);
  expect(printed[0]).toContain(line);
  // eslint-disable-next-line no-control-regex
  expect(printed[0]).not.toMatch(/[\u0000-\u001f]/);
});

test('a body above the limit: 413', async () => {
  const answer = await fetch(url, { method: 'POST', body: 'x'.repeat(1_100_000) });
  expect(answer.status).toBe(413);
});

test('wrong settings stop it with a sentence that names them', () => {
  expect(() => readReceiverSettings({ RECEIVER_PORT: 'x' })).toThrow(/^RECEIVER_PORT must be/);
  expect(() => readReceiverSettings({ RECEIVER_SECRETS: `${secretOf(1)},mine` })).toThrow(
    /^RECEIVER_SECRETS must be/,
  );
  expect(readReceiverSettings({ RECEIVER_SECRETS: ` ${secretOf(1)}, ${secretOf(2)}` })).toEqual({
    port: 3002,
    secrets: [secretOf(1), secretOf(2)],
    secretsFile: undefined,
  });
});
