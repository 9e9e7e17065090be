/**
 * One caller at a time who administers a new ledger, and sometimes the first one and those of others: keys are made,
 * changed, given new secrets and ended, tokens are handed out, and all of them are then used.
 */
import { scopesOfKeys } from '../ledger/access/records.js';
import { owners } from './callers.js';
import { processes } from './program.js';
import { Random } from './random.js';

/**
 * Its texts may name what an earlier operation was answered, or the last one before it that was answered so:
 * `{secret:7}`, `{token:7}`, `{ledgerSecret:7}` (of a new ledger's first key), `{key:7}`, `{ledgerKey:7}`,
 * `{organization:7}`, `{cursor:7}`, `{entryTime:7}`; `{bootstrap}`, `{bootstrapKey}` and `{operator}` are the
 * product's own, and `{now:-500}` is a time.
 */
export interface AccessOperation {
  readonly number: number;
  /** Sent as Bearer; null: nothing is. */
  readonly bearer: string | null;
  readonly process: number;
  /** Waited before it. */
  readonly pauseMs?: number;
  readonly method: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export interface AccessProgram {
  readonly seed: number;
  readonly operations: readonly AccessOperation[];
}

type Draft = Omit<AccessOperation, 'number' | 'process'>;

const operations = 500;
/** By then whatever was changed is known everywhere. */
const knownEverywhereMs = 1_100;
const pauses = 2;

const operator = '{operator}';
/** Of a key that may do everything and that nothing is done to. */
export const keeper = '{secret:2}';

const post = (bearer: string | null, path: string, body: unknown): Draft => ({
  bearer,
  method: 'POST',
  path: `/v1/${path}`,
  body,
});
const account = (fields: object) =>
  post(keeper, 'accounts', { name: 'An account', currency: 'EUR', ...fields });

/** By whom the program's own ledger is made. */
export const accessSetup: readonly Draft[] = [
  post(operator, 'organizations', { name: 'An organization' }),
  post(operator, 'organizations/{organization:0}/ledgers', { name: 'A ledger', mode: 'live' }),
  post('{ledgerSecret:1}', 'api-keys', { name: 'Keeper', scopes: scopesOfKeys, rateLimitPerMinute: null }),
  account({}),
  account({ ownerId: owners[0] }),
  account({ ownerId: owners[1], visibility: 'public' }),
];

export function generateAccessProgram(seed: number): AccessProgram {
  const random = new Random(seed);
  const drafts = [...accessSetup];
  const pauseEvery = Math.floor(operations / (pauses + 1));
  while (drafts.length < operations) {
    const draft = new Drafts(random, drafts).next();
    drafts.push(drafts.length % pauseEvery === 0 ? { ...draft, pauseMs: knownEverywhereMs } : draft);
  }
  const numbered = drafts.map((draft, number) => ({ number, process: random.below(processes), ...draft }));
  return { seed, operations: numbered };
}

/** What may be asked next, after these. */
class Drafts {
  private readonly number: number;
  private readonly last: Draft;

  constructor(
    private readonly random: Random,
    drafts: readonly Draft[],
  ) {
    this.number = drafts.length;
    this.last = drafts.at(-1)!;
  }

  next(): Draft {
    const { random } = this;
    if (this.last.query !== undefined && random.chance(50)) return this.nextPage(this.last.query);
    return random.weighted<() => Draft>([
      [18, () => this.createKey()],
      [14, () => this.updateKey()],
      [4, () => this.ofKey('DELETE', '')],
      [
        8,
        () => this.ofKey('POST', '/rotate', this.spoilt({ overlapSeconds: random.pick([0, 0, 0, 3_600]) })),
      ],
      [5, () => this.ofKey('GET', '')],
      [6, () => this.list('api-keys', this.caller())],
      [10, () => this.issueToken()],
      [9, () => this.list('audit-log', this.caller(), this.auditFilters())],
      [24, () => this.use()],
      [9, () => this.asOperator()],
      [1, () => this.noRoute()],
    ])();
  }

  private before(most = 40): number {
    return Math.max(3, this.number - 1 - this.random.below(most));
  }

  private caller(): string | null {
    const { random } = this;
    return random.weighted<string | null>([
      [56, keeper],
      [8, '{ledgerSecret:1}'],
      [20, `{secret:${this.before()}}`],
      [4, '{bootstrap}'],
      [6, `{token:${this.before()}}`],
      [2, operator],
      [1, null],
      [1, `sk_live_${'0'.repeat(43)}`],
    ]);
  }

  private createKey(): Draft {
    const { random } = this;
    const body = {
      name: `Key ${this.number}`,
      scopes: this.someScopes(),
      ...(random.chance(20) ? { ownerId: random.pick([...owners, null]) } : {}),
      ...(random.chance(70)
        ? {
            rateLimitPerMinute: random.pick([
              null,
              null,
              5_000,
              60_000,
              1_000_000,
              random.pick([0, 1_000_001]),
            ]),
          }
        : {}),
      ...(random.chance(10) ? { signing: random.pick(['none', 'required', 'some']) } : {}),
      ...(random.chance(20) ? { expiresAt: this.expiry() } : {}),
    };
    return post(this.caller(), 'api-keys', this.spoilt(body));
  }

  private someScopes(): string[] {
    const { random } = this;
    const percent = random.pick([20, 60, 80, 100, 100, 100]);
    // Who may manage keys, and not do all that they may.
    const isManager = random.chance(60);
    const isGiven = (scope: string) => (scope === 'keys:manage' && isManager) || random.chance(percent);
    const some = scopesOfKeys.filter(isGiven);
    if (random.chance(3)) return [...some, random.pick(['accounts:delete', '', 'admin', 'keys:manage'])];
    return random.chance(50) ? some : some.toReversed();
  }

  private expiry(): unknown {
    const ahead = ['2099-12-31T23:59:59Z', '2099-01-01T01:30:00.5+01:30', '{now:3000}', '{now:3000}', null];
    return this.random.pick([
      ...ahead,
      '{now:-1000}',
      '2020-01-01T00:00:00Z',
      '2099-02-30T00:00:00Z',
      '2099-01-01',
    ]);
  }

  private updateKey(): Draft {
    const { random } = this;
    const body = {
      ...(random.chance(40) ? { name: `Renamed ${this.number}` } : {}),
      ...(random.chance(50) ? { scopes: this.someScopes() } : {}),
      ...(random.chance(30)
        ? { rateLimitPerMinute: random.pick([null, 4_000, 100_000, random.pick([-1, 1.5])]) }
        : {}),
      ...(random.chance(20) ? { expiresAt: this.expiry() } : {}),
      ...(random.chance(5) ? { ownerId: owners[0] } : {}),
    };
    return this.ofKey('PATCH', '', this.spoilt(body));
  }

  private ofKey(method: string, part: string, body?: unknown): Draft {
    const { random } = this;
    const id = random.weighted([
      [70, `{key:${this.before()}}`],
      [5, '{ledgerKey:1}'],
      [4, `{ledgerKey:${this.before()}}`],
      [6, '{bootstrapKey}'],
      [4, unknownId('key')],
      [3, random.pick(['key_1', 'key_', unknownId('acc'), unknownId('key').toUpperCase()])],
    ]);
    const bearer = id === '{bootstrapKey}' && random.chance(60) ? '{bootstrap}' : this.caller();
    return this.perhapsWithQuery({
      bearer,
      method,
      path: `/v1/api-keys/${id}${part}`,
      ...(body === undefined ? {} : { body }),
    });
  }

  private perhapsWithQuery(draft: Draft): Draft {
    return this.random.chance(2) ? { ...draft, query: { force: 'true' } } : draft;
  }

  private issueToken(): Draft {
    const { random } = this;
    const body = {
      ownerId: random.pick(owners),
      scopes: random.chance(60) ? ['accounts:read', 'transactions:write'] : this.someScopes(),
      ...(random.chance(50) ? { ttlSeconds: random.pick([1, 1, 300, 900, 0, 901, 2.5]) } : {}),
    };
    // By keys that change and end, so that it is seen what becomes of their tokens.
    const bearer = random.weighted<() => string | null>([
      [6, () => `{secret:${this.before()}}`],
      [1, () => `{token:${this.before()}}`],
      [3, () => this.caller()],
    ])();
    return post(bearer, 'auth/client-tokens', this.spoilt(body));
  }

  private list(list: string, bearer: string | null, filters: Record<string, string> = {}): Draft {
    const { random } = this;
    const path = `/v1/${list}`;
    const query: Record<string, string> = { ...filters };
    if (random.chance(70))
      query['page[limit]'] = random.pick(['1', '3', '3', '10', '100', random.pick(['0', '101'])]);
    if (random.chance(30)) query['page[page]'] = random.pick(['1', '2', '3', random.pick(['0', '101', 'x'])]);
    if (random.chance(20)) query['page[total]'] = random.pick(['true', 'true', 'false', 'yes']);
    if (random.chance(8)) query['page[cursor]'] = random.pick([...this.cursors(), 'nobodys']);
    if (random.chance(4)) query['filter[nam]'] = 'Key';
    if (random.chance(3)) query['consistency'] = random.pick(['eventual', 'some']);
    return { bearer, method: 'GET', path, query };
  }

  /** Of what was read last, if it had a next one. */
  private nextPage({ 'page[page]': _, ...query }: NonNullable<Draft['query']>): Draft {
    const { pauseMs: __, ...last } = this.last;
    return { ...last, query: { ...query, 'page[cursor]': `{cursor:${this.number - 1}}` } };
  }

  private cursors(): string[] {
    return Array.from({ length: 6 }, () => `{cursor:${this.before()}}`);
  }

  private auditFilters(): Record<string, string> {
    const { random } = this;
    const filters: Record<string, string> = {};
    if (random.chance(15))
      filters['filter[actor]'] = random.pick(['operator', `{key:${this.before()}}`, 'x']);
    if (random.chance(25)) {
      filters['filter[action]'] =
        `api_key.${random.pick(['created', 'updated', 'rotated', 'deleted', 'read'])}`;
    }
    if (random.chance(15))
      filters['filter[subject]'] = random.pick([`{key:${this.before()}}`, '{bootstrapKey}', '']);
    for (const bound of ['gte', 'gt', 'lte', 'lt']) {
      if (!random.chance(8)) continue;
      const time = random.pick([
        `{entryTime:${this.before()}}`,
        `{entryTime:${this.before()}}`,
        '{now:-2000}',
        '2026',
      ]);
      filters[`filter[createdAt][${bound}]`] = time;
    }
    return filters;
  }

  /** Whatever has been made, to see what it opens. */
  private use(): Draft {
    const { random } = this;
    const bearer = random.weighted<string | null>([
      [60, `{secret:${this.before(120)}}`],
      [25, `{token:${this.before(120)}}`],
      [6, `{ledgerSecret:${this.before(120)}}`],
      [4, '{bootstrap}'],
      [2, null],
    ]);
    return { bearer, ...random.pick(uses) };
  }

  private asOperator(): Draft {
    const { random } = this;
    const bearer = random.chance(85) ? operator : this.caller();
    const id = random.weighted([
      [80, `{organization:${random.pick([0, this.number - 1])}}`],
      [10, unknownId('org')],
      [10, random.pick(['org_1', unknownId('key')])],
    ]);
    const name = `Name ${this.number}`;
    return random.weighted<() => Draft>([
      [3, () => post(bearer, 'organizations', this.spoilt({ name }))],
      [3, () => this.list('organizations', bearer)],
      [2, () => this.perhapsWithQuery({ bearer, method: 'GET', path: `/v1/organizations/${id}` })],
      [
        3,
        () => {
          const body = this.spoilt({ name, mode: random.pick(['live', 'test', 'demo']) });
          return post(bearer, `organizations/${id}/ledgers`, body);
        },
      ],
      [3, () => this.list(`organizations/${id}/ledgers`, bearer)],
    ])();
  }

  private noRoute(): Draft {
    const [method, path] = this.random.pick([
      ['PUT', '/v1/api-keys/{key:3}'],
      ['DELETE', '/v1/audit-log'],
      ['DELETE', `/v1/organizations/${unknownId('org')}`],
      ['GET', '/v1/auth/client-tokens'],
      ['GET', '/v1/api-keys/{key:3}/secret'],
    ] as const);
    return { bearer: this.caller(), method, path };
  }

  /** With one field that is null, missing, unknown or of another kind. */
  private spoilt(body: object): unknown {
    const { random } = this;
    if (!random.chance(12)) return body;
    const fields = Object.keys(body);
    const name = fields.length === 0 ? 'name' : random.pick(fields);
    const without = Object.fromEntries(Object.entries(body).filter(([field]) => field !== name));
    return random.pick<unknown>([
      { ...body, [name]: null },
      {
        ...body,
        [name]: random.pick<unknown>(['', 7, true, [], {}, 'x'.repeat(257), 'a\0b', ['mint', 'mint'], '1']),
      },
      without,
      { ...body, [random.pick(['nmae', 'id', 'secret', 'lastUsedAt'])]: 'x' },
      random.pick<unknown>([[], 'x', null]),
    ]);
  }
}

const unknownId = (prefix: string): string => `${prefix}_01jd3v4wqzfxs9v5n6m7k8h2re`;

/** Those that change something are refused for their empty bodies, once it is clear that they are open. */
export const uses: readonly Pick<Draft, 'method' | 'path' | 'body'>[] = [
  { method: 'GET', path: '/v1/accounts' },
  { method: 'GET', path: '/v1/accounts' },
  { method: 'GET', path: '/v1/transactions' },
  { method: 'POST', path: '/v1/accounts', body: {} },
  { method: 'POST', path: '/v1/transactions', body: {} },
  { method: 'POST', path: '/v1/mints', body: {} },
  { method: 'POST', path: '/v1/burns', body: {} },
];
