import { setTimeout as sleep } from 'node:timers/promises';
import type { RecordedAnswer } from './recorded-story.js';
import type { Release } from './releases.js';

type Asked = Pick<RecordedAnswer, 'method' | 'path' | 'body' | 'key' | 'app' | 'apiKey'>;

export interface StoryParts {
  readonly release: Release;
  readonly urls: Readonly<Record<RecordedAnswer['app'], string>>;
  readonly apiKey: string;
}

interface Resource {
  readonly id: string;
  readonly secret: string;
}

const answerMsMax = 30_000;
/** Long enough for a hold to be captured first, short enough to wait for. */
const holdSeconds = 3;

/** Tells a ledger's story to a release over HTTP, as far as the release can follow, and keeps what it answers. */
export class Story {
  readonly answers: RecordedAnswer[] = [];
  private readonly types: ReadonlySet<string>;

  constructor(private readonly parts: StoryParts) {
    this.types = new Set(Object.keys(parts.release.events));
  }

  async tell(): Promise<void> {
    const { alice, bob, shop, yen } = await this.openAccounts();
    await this.moveMoney(alice, bob, shop);
    const owner = this.parts.release.hasKeys ? await this.actAsOwner(alice, bob) : null;
    if (this.types.has('transaction.pending')) await this.holdAndReverse(alice, bob);
    if (this.types.has('exchange-rate.set')) await this.changeCurrency(alice, yen);
    await this.read([alice, bob, shop, yen]);
    if (owner !== null) await this.readAsOwner(owner);
    if (this.parts.release.apps.includes('webhook-dispatcher')) await this.subscribe();
  }

  private async openAccounts() {
    const open = (key: string, body: object) => this.make('/v1/accounts', body, key);
    const alice = await open('open-alice', {
      ...{ name: 'Alice Ünal', currency: 'EUR', externalId: 'customer-1', ownerId: 'alice' },
      ...{ metadata: { tier: 'gold', tags: ['a', null, { deep: true }] }, openingBalance: '100000' },
    });
    const bob = await open('open-bob', {
      ...{
        name: 'Bob',
        currency: 'EUR',
        visibility: 'public',
        ownerId: 'bob',
        maxBalance: '900000000000000000000',
      },
    });
    const shop = await open('open-shop', {
      name: 'Shop',
      currency: 'EUR',
      visibility: 'unlisted',
      minBalance: null,
    });
    const yen = await open('open-yen', { name: 'Yen', currency: 'JPY', openingBalance: 5_000 });
    await this.ask('PATCH', `/v1/accounts/${bob}`, { name: 'Bob & Söhne', metadata: { since: '2026' } });
    await this.ask('PATCH', `/v1/accounts/${shop}`, { status: 'frozen' });
    await this.ask('PATCH', `/v1/accounts/${shop}`, { status: 'open' });
    const closed = await open('open-closed', { name: 'Closed', currency: 'EUR' });
    await this.ask('DELETE', `/v1/accounts/${closed}`);
    return { alice, bob, shop, yen };
  }

  private async moveMoney(alice: string, bob: string, shop: string) {
    const words = { reference: 'Dîner — 2 personnes', externalId: 'order-1', metadata: { table: 7 } };
    await this.move({ sender: alice, recipient: bob, amount: '2500', ...words }, 'transfer-1');
    await this.move({ sender: alice, recipient: shop, amount: 1999, reference: 'Shoes' }, 'transfer-2');
    await this.move({ sender: shop, recipient: alice, amount: '5000' });
    await this.move(
      { sender: 'ROOT', recipient: bob, amount: '12345678901234567890' },
      'mint-by-transaction',
    );
    await this.make('/v1/mints', { recipient: shop, amount: '700', reference: 'Float' }, 'mint-1');
    await this.make('/v1/burns', { sender: bob, amount: '600', externalId: 'payout-1' }, 'burn-1');
    // Refused: it uses no key up.
    await this.ask(
      'POST',
      '/v1/transactions',
      { sender: alice, recipient: bob, amount: '99999999' },
      'refused-1',
    );
  }

  /** By a key of Alice's own. */
  private async actAsOwner(alice: string, bob: string): Promise<string> {
    const scopes = ['accounts:read', 'transactions:read', 'transactions:write'];
    const made = await this.ask('POST', '/v1/api-keys', { name: 'Alice', scopes, ownerId: 'alice' });
    const apiKey = this.dataOf<Resource>(made).secret;
    const body = { sender: alice, recipient: bob, amount: '11', reference: 'From Alice herself' };
    await this.ask('POST', '/v1/transactions', body, 'owner-transfer-1', { apiKey });
    return apiKey;
  }

  private async holdAndReverse(alice: string, bob: string) {
    const pending = { sender: alice, recipient: bob, pending: true };
    const captured = await this.move({ ...pending, amount: '900' }, 'hold-1');
    await this.make(`/v1/transactions/${captured}/capture`, { amount: '300' }, 'capture-1');
    await this.make(`/v1/transactions/${captured}/capture`, { amount: '100', final: true }, 'capture-2');
    const voided = await this.move({ ...pending, amount: '50' }, 'hold-2');
    await this.ask('POST', `/v1/transactions/${voided}/void`, {}, 'void-1');
    const expiresAt = () => new Date(Date.now() + holdSeconds * 1_000).toISOString();
    const expiring = await this.move({ ...pending, amount: '60', expiresAt: expiresAt() }, 'hold-3');
    const later = new Date(Date.now() + 2 * holdSeconds * 1_000).toISOString();
    await this.ask('PATCH', `/v1/transactions/${expiring}/hold`, { expiresAt: later });
    // Still open when the release ends.
    await this.move({ ...pending, amount: '70', reference: 'Deposit' }, 'hold-4');
    const paid = await this.move({ sender: alice, recipient: bob, amount: '400' }, 'transfer-3');
    await this.make(`/v1/transactions/${paid}/reverse`, { amount: '150', reason: 'Broken' }, 'reverse-1');
    const yesterday = new Date(Date.now() - 86_400_000).toISOString();
    await this.move({ sender: alice, recipient: bob, amount: '8', effectiveAt: yesterday }, 'back-dated-1');
    const several = [
      { sender: alice, recipient: bob, amount: '1' },
      { sender: bob, recipient: alice, amount: '2' },
    ];
    await this.move({ postings: several, reference: 'Several' }, 'several-1');
    await this.untilHeld(expiring, 'expired');
  }

  private async changeCurrency(alice: string, yen: string) {
    await this.ask('PUT', '/v1/exchange-rates/EUR/JPY', { rate: '161.25' });
    await this.ask('POST', '/v1/currencies', { code: 'MILES', exponent: 2, name: 'Miles' }, 'currency-1');
    await this.make('/v1/accounts', { name: 'Miles', currency: 'MILES', openingBalance: '77' }, 'open-miles');
    await this.move({ sender: alice, recipient: yen, amount: '1000' }, 'exchange-1');
    const transactions = [
      { sender: alice, recipient: yen, amount: '100', exchangeRate: '160', idempotencyKey: 'item-1' },
      { sender: yen, recipient: yen, amount: '1', idempotencyKey: 'item-2' },
    ];
    const batch = (mode: string, items: readonly object[], key: string) =>
      this.ask('POST', '/v1/transactions/batch', { mode, transactions: items }, key);
    await batch('independent', transactions, 'batch-1');
    await batch('atomic', [{ sender: yen, recipient: 'ROOT', amount: '3' }], 'batch-2');
    await this.ask('PUT', '/v1/periods/closed-through', { date: '2025-12-31' });
  }

  /** Every way to read, once the lists are up to date. */
  private async read(accounts: readonly string[]) {
    const get = (path: string) => this.ask('GET', path);
    for (const id of accounts) {
      for (const what of ['', '/balance', '/entries']) await get(`/v1/accounts/${id}${what}`);
    }
    await get('/v1/accounts/ROOT?currency=EUR');
    for (const query of ['', '?filter[name]=b', '?filter[status]=closed', '?filter[ownerId]=alice']) {
      await get(`/v1/accounts${query}`);
    }
    const [alice] = accounts;
    const filters = [
      `filter[account]=${alice}`,
      'filter[type]=mint',
      'filter[reference]=dîn',
      'filter[amount][gte]=2000',
    ];
    for (const query of ['page[limit]=100', ...filters]) await get(`/v1/transactions?${query}`);
    const listed = this.dataOf<Resource[]>(await get('/v1/transactions?page[limit]=100&page[total]=true'));
    for (const { id } of listed) await get(`/v1/transactions/${id}`);
    await get('/v1/trial-balance');
    await get('/v1/events?limit=1000');
    if (!this.types.has('exchange-rate.set')) return;
    await get('/v1/exchange-rates');
    await get('/v1/currencies');
    await get('/v1/periods/closed-through');
    const from = '2026-01-01T00:00:00Z';
    for (const by of ['recorded', 'effective']) {
      await get(`/v1/accounts/${alice}/statement?from=${from}&to=2100-01-01T00:00:00Z&by=${by}`);
    }
  }

  private async readAsOwner(apiKey: string) {
    for (const path of ['/v1/accounts', '/v1/transactions', '/v1/events?limit=1000']) {
      await this.ask('GET', path, undefined, undefined, { apiKey });
    }
  }

  /** Last, so that nothing is ever delivered to it: nobody listens there. */
  private async subscribe() {
    const body = { url: 'http://127.0.0.1:1024/', eventTypes: ['transaction.*'], description: 'Books' };
    const app = 'webhook-dispatcher';
    await this.ask('POST', '/v1/webhook-endpoints', body, undefined, { app });
    await this.ask('GET', '/v1/webhook-endpoints', undefined, undefined, { app });
  }

  private async untilHeld(id: string, status: string): Promise<void> {
    for (const deadline = Date.now() + answerMsMax; Date.now() < deadline; await sleep(100)) {
      const { text } = await this.send({ method: 'GET', path: `/v1/transactions/${id}`, app: 'ledger' });
      if ((JSON.parse(text) as { data: { status: string } }).data.status === status) return;
    }
    throw new Error(`${id} has not become ${status}`);
  }

  private move(body: object, key?: string): Promise<string> {
    return this.make('/v1/transactions', body, key);
  }

  /** The id of what was made. */
  private async make(path: string, body: object, key?: string): Promise<string> {
    const answer = await this.ask('POST', path, body, key);
    if (answer.status !== 201) throw new Error(`${path} answered ${answer.status}: ${answer.text}`);
    return this.dataOf<Resource>(answer).id;
  }

  private async ask(
    method: Asked['method'],
    path: string,
    body?: unknown,
    key?: string,
    { app = 'ledger', apiKey }: Partial<Asked> = {},
  ): Promise<RecordedAnswer> {
    const asked: Asked = {
      ...{ method, path, app },
      ...(apiKey === undefined ? {} : { apiKey }),
      ...(key === undefined ? {} : { key }),
      ...(body === undefined ? {} : { body }),
    };
    const { status, text } = await this.send(asked);
    if (status >= 500 || status === 404) throw new Error(`${method} ${path} answered ${status}: ${text}`);
    const answer = { ...asked, status, text };
    this.answers.push(answer);
    return answer;
  }

  private async send({ method, path, app, apiKey = this.parts.apiKey, key, body }: Asked) {
    const answer = await fetch(this.parts.urls[app] + path, {
      method,
      headers: {
        authorization: `Bearer ${apiKey}`,
        ...(key === undefined ? {} : { 'idempotency-key': key }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(answerMsMax),
    });
    return { status: answer.status, text: await answer.text() };
  }

  private dataOf<T>({ text }: RecordedAnswer): T {
    return (JSON.parse(text) as { data: T }).data;
  }
}
