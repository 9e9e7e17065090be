import { join } from 'node:path';
import type { JWTVerifyGetKey } from 'jose';
import { Client, startService, type Account, type List, type One, type Service } from '../support/client.js';
import { compileTypeScript, extractSnippets, type Snippets } from '../support/guide-snippets.js';
import { newSigningKey, type SigningKey } from '../support/signing.js';

/** What docs/CALLING.md shows is taken out of the page, compiled, and run against the product. */
let service: Service;
let snippets: Snippets;
let complaints: string[];

beforeAll(async () => {
  service = await startService();
  snippets = await extractSnippets('docs/CALLING.md');
  complaints = compileTypeScript(snippets);
}, 60_000);

afterAll(async () => {
  await snippets.remove();
  await service.stop();
});

const load = <Module>(name: string) => import(join(snippets.directory, name)) as Promise<Module>;

test('the page has these snippets, and they compile strictly', () => {
  expect(snippets.names).toEqual(['sign-request.ts', 'client-token.ts', 'verify-token.ts']);
  expect(snippets.fences.filter((info) => !info.includes(' '))).toEqual(['text']);
  expect(complaints).toEqual([]);
});

test('requests are signed as the page does it', async () => {
  interface Page {
    sendSigned: (
      key: SigningKey,
      method: string,
      address: string,
      content?: unknown,
      idempotencyKey?: string,
    ) => Promise<Response>;
  }
  const { sendSigned } = await load<Page>('sign-request.ts');
  const key = await newSigningKey(service.client);
  const accounts = `${service.product.url}/v1/accounts`;
  const body = { name: 'Zoë 🥐', currency: 'EUR' };
  const opened = await sendSigned(key, 'POST', accounts, body, 'open-zoe');
  expect(opened.status).toBe(201);
  const again = await sendSigned(key, 'POST', accounts, body, 'open-zoe');
  expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([201, 'true']);
  const found = await sendSigned(key, 'GET', `${accounts}?filter[name]=Zoë 🥐&page[limit]=5`);
  expect(found.status).toBe(200);
  expect(((await found.json()) as List<Account>).data.map(({ name }) => name)).toEqual([body.name]);
  const wrong = { ...key, secret: `${key.secret}x` };
  expect((await sendSigned(wrong, 'GET', accounts)).status).toBe(401);
});

test('tokens are asked for and verified as the page does it', async () => {
  const { issueClientToken } = await load<{
    issueClientToken: (base: string, apiKey: string, ownerId: string) => Promise<{ token: string }>;
  }>('client-token.ts');
  const { keysOf, ownerOf } = await load<{
    keysOf: (base: string) => JWTVerifyGetKey;
    ownerOf: (token: string, keys: JWTVerifyGetKey) => Promise<string | undefined>;
  }>('verify-token.ts');
  const { url, apiKey } = service.product;
  const { token } = await issueClientToken(url, apiKey, 'alice');
  const mine = await service.client.open({ ownerId: 'alice' });
  const app = new Client(url, token);
  expect((await app.get<One<Account>>(`/v1/accounts/${mine.id}`)).body.data.id).toBe(mine.id);
  app.close();
  expect(await ownerOf(token, keysOf(url))).toBe('alice');
  await expect(ownerOf(`${token.slice(0, -3)}abc`, keysOf(url))).rejects.toThrow();
  await expect(issueClientToken(url, 'sk_live_wrong', 'alice')).rejects.toThrow('no token: 401');
});
