/** Random requests that only read. */
import type { Operation } from './program.js';
import type { Random } from './random.js';
import { owners } from './callers.js';
import { currencies, externalIds, names, type Draft, type Generated, type Writes } from './writes.js';

type Query = Record<string, string>;

const transactionTypes = ['transfer', 'mint', 'burn', 'exchange', 'capture', 'reversal', 'payment'];
const transactionStatuses = ['posted', 'pending', 'partially_captured', 'voided', 'expired'];

export class Reads {
  /** Pages of which the next one may be asked for. */
  readonly pages: Operation[] = [];

  constructor(
    private readonly random: Random,
    private readonly generated: Generated,
    private readonly writes: Writes,
  ) {}

  next(ownerId: string | null): Draft {
    this.writes.for(ownerId);
    const draft = this.any();
    const accept = this.random.pick(['text/csv', 'text/html', 'application/json', '*/*']);
    const isOther = !draft.path.endsWith('/statement') && this.random.chance(2);
    return isOther ? { ...draft, accept } : draft;
  }

  private any(): Draft {
    return this.random.weighted<() => Draft>([
      [25, () => this.list()],
      [8, () => this.nextPage()],
      [14, () => get(`/v1/accounts/${this.writes.account()}`)],
      [10, () => get(`/v1/accounts/${this.writes.account()}/balance`, this.atTime(40))],
      [10, () => get(`/v1/transactions/${this.writes.anyTransaction()}`)],
      [6, () => this.statement()],
      [3, () => get('/v1/trial-balance', this.atTime(50))],
      [3, () => this.ofSystemAccount()],
      [4, () => get('/v1/events', { after: String(this.random.below(200)), limit: '20' })],
      [1, () => get('/v1/periods/closed-through')],
    ])();
  }

  list(): Draft {
    const [path, filters] = this.random.weighted<() => [string, Query]>([
      [10, () => ['/v1/transactions', this.transactionFilters()]],
      [5, () => ['/v1/accounts', this.accountFilters()]],
      [4, () => [`/v1/accounts/${this.writes.account()}/entries`, this.entryFilters()]],
      [1, () => ['/v1/exchange-rates', this.some(50, { 'filter[from]': this.currency() })]],
      [1, () => ['/v1/currencies', {}]],
    ])();
    return get(path, { ...filters, ...this.page() });
  }

  private nextPage(): Draft {
    const { random } = this;
    if (this.pages.length === 0) return this.list();
    const first = random.pick(this.pages.slice(-8));
    const { 'page[page]': _, ...filters } = first.query ?? {};
    const query = random.chance(8) ? { ...filters, 'filter[currency]': 'USD' } : filters;
    return get(first.path, { ...query, 'page[cursor]': `{cursor:${first.number}}` });
  }

  /** One to three of them: with more of them no row is left to be wrong. */
  private transactionFilters(): Query {
    const { random } = this;
    const choices: readonly (readonly [number, () => Query])[] = [
      [8, () => ({ 'filter[account]': this.party() })],
      [5, () => ({ 'filter[sender]': this.party() })],
      [5, () => ({ 'filter[recipient]': this.party() })],
      [2, () => ({ 'filter[reference]': random.pick(['rent', 'é', '%', '_', 'ORDER', 'zz']) })],
      [3, () => ({ 'filter[type]': random.pick(transactionTypes) })],
      [3, () => ({ 'filter[status]': random.pick(transactionStatuses) })],
      [3, () => ({ 'filter[currency]': this.currency() })],
      [1, () => ({ 'filter[externalId]': random.pick(externalIds) })],
      [2, () => ({ 'filter[amount][gte]': String(random.below(150)) })],
      [2, () => ({ 'filter[amount][lte]': String(random.below(300)) })],
      [2, () => this.createdAt(['gte', 'gt', 'lte', 'lt'])],
    ];
    const filters = Array.from({ length: random.below(4) }, () => random.weighted(choices)());
    return { ...Object.assign({}, ...filters), ...this.some(1, { 'filter[refrence]': 'x' }) } as Query;
  }

  /** Mostly one of the first accounts, through which most money goes. */
  private party(): string {
    const { random, generated, writes } = this;
    if (random.chance(15)) return random.pick(['ROOT', 'EXCHANGE']);
    return random.chance(50) ? `{account:${random.pick(generated.accounts.slice(0, 6))}}` : writes.account();
  }

  private accountFilters(): Query {
    const { random } = this;
    return {
      ...this.some(20, { 'filter[name]': random.pick(['a', 'SHOP', 'É', '%', ...names]) }),
      ...this.some(20, { 'filter[visibility]': random.pick(['private', 'public', 'unlisted']) }),
      ...this.some(25, { 'filter[currency]': this.currency() }),
      ...this.some(8, { 'filter[externalId]': random.pick(externalIds) }),
      ...this.some(20, { 'filter[ownerId]': random.pick(owners) }),
      ...this.some(25, { 'filter[status]': random.pick(['open', 'frozen', 'closed', 'gone']) }),
    };
  }

  private entryFilters(): Query {
    return this.random.chance(30) ? this.createdAt(['gte', 'lt']) : {};
  }

  private createdAt(bounds: readonly string[]): Query {
    return { [`filter[createdAt][${this.random.pick(bounds)}]`]: this.time() };
  }

  private page(): Query {
    const { random } = this;
    return {
      ...this.some(60, { 'page[limit]': String(random.pick([1, 2, 5, 7, 100])) }),
      ...this.some(20, { 'page[page]': random.pick(['1', '2', '3', '0', '501']) }),
      ...this.some(20, { 'page[total]': 'true' }),
      ...this.some(5, { consistency: 'eventual' }),
    };
  }

  private statement(): Draft {
    const { random } = this;
    const query = {
      from: random.pick(['2020-01-01T00:00:00Z', '2023-05-01T00:00:00Z', this.time()]),
      ...this.some(50, { to: random.pick(['2099-01-01T00:00:00Z', this.time()]) }),
      ...this.some(50, { by: random.pick(['recorded', 'effective']) }),
    };
    const path = `/v1/accounts/${this.writes.account()}/statement`;
    if (!random.chance(40)) return get(path, query);
    // Of a file nobody can tell up to when it was read, if it isn't told.
    return { ...get(path, { to: '2099-01-01T00:00:00Z', ...query }), accept: 'text/csv' };
  }

  private ofSystemAccount(): Draft {
    const { random } = this;
    const name = random.pick(['ROOT', 'EXCHANGE']);
    const part = random.pick(['', '/balance', '/entries']);
    return get(`/v1/accounts/${name}${part}`, this.some(95, { currency: this.currency() }));
  }

  private atTime(percent: number): Query {
    if (!this.random.chance(percent)) return {};
    return { at: this.time(), ...this.some(60, { by: this.random.pick(['recorded', 'effective']) }) };
  }

  private time(): string {
    const { random, generated } = this;
    return random.weighted([
      [4, `{createdAt:${random.pick(generated.transactions.slice(-60)) ?? -1}}`],
      [2, `202${random.below(5)}-0${1 + random.below(9)}-15T00:00:00Z`],
      [1, '2099-01-01T00:00:00Z'],
    ]);
  }

  private readonly currency = () => this.random.pick(currencies);

  private some(percent: number, query: Query): Query {
    return this.random.chance(percent) ? query : {};
  }
}

const get = (path: string, query: Query = {}): Draft => ({ method: 'GET', path, query });
