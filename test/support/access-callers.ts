import { hash, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { scopes } from '#access';
import type { DeclaredRoute } from '../../tools/access-matrix/declared-routes.js';
import { callerKinds, type CallerKind } from '../../tools/access-matrix/expected-answers.js';
import type { BothApps } from './both-apps.js';
import type { Account, Answer, Client, One } from './client.js';
import { DocumentedApi, withPath, type Call, type OpenApiDocument } from './documented-api.js';
import { OPERATOR_API_KEY } from './product.js';
import { properCalls, properWebhookCalls, type ProperCalls } from './proper-calls.js';
import { uuidOf } from './webhook-fixtures.js';

type ClientOf = (secret: string) => Client;
type Answers = Readonly<Record<CallerKind, Answer>>;

interface Made {
  readonly id: string;
  readonly secret: string;
}

/** All who may send a request, right and wrong, to two apps whose first ledger has some of everything. */
export class AccessCallers {
  private operationIds = new Map<string, string>();
  private proper: ProperCalls = {};
  private readonly withoutScope = new Map<string, Client>();
  private nobodies!: Readonly<Record<'no key' | 'wrong key' | 'expired key' | 'wrong mode', Client>>;
  private stranger!: Client;
  private account!: Account;

  private constructor(
    private readonly apps: BothApps,
    private readonly clientOf: ClientOf,
    /** With every scope in the first ledger. */
    readonly first: Client,
    readonly operator: Client,
  ) {}

  /** @param clientOf a caller of the ledger app with this secret */
  static async of(apps: BothApps, clientOf: ClientOf): Promise<AccessCallers> {
    const callers = new AccessCallers(
      apps,
      clientOf,
      clientOf(apps.ledger.apiKey),
      clientOf(OPERATOR_API_KEY),
    );
    await callers.fill();
    await callers.makeNobodies();
    callers.stranger = await callers.keyOfOtherLedger();
    return callers;
  }

  /** What one request is answered; who may send it comes last, so that it tells whether another has changed anything. */
  async answersTo(route: DeclaredRoute, url: string): Promise<Answers> {
    const call = await this.properCallOf(route);
    const answers: Partial<Record<CallerKind, Answer>> = {};
    for (const kind of callerKinds) {
      answers[kind] = await this.send(await this.callerOf(kind, route), route, url, call);
    }
    return answers as Answers;
  }

  /** Whether what a stranger has made is found by those it is no business of. */
  async isFoundElsewhere(
    kind: CallerKind,
    route: DeclaredRoute,
    url: string,
    { body }: Answer,
  ): Promise<boolean> {
    const { id = '', token, setAt } = (body as One<{ id?: string; token?: string; setAt?: string }>).data;
    if (token !== undefined) {
      return (await this.clientOf(token).get(`/v1/accounts/${this.account.id}`)).status < 300;
    }
    if (setAt !== undefined) {
      // A setting has no id: it is told by the moment at which it was set.
      return (await this.first.at(url).get(route.path.replace(/\/\{.*$/, ''))).text.includes(setAt);
    }
    const other = kind === 'wrong owner' ? await this.boundTo('alice') : this.first;
    return (await other.at(url).get(`${route.path}/${id}`)).status < 300;
  }

  async makeKey(fields: object = {}, maker = this.first): Promise<Made> {
    const key = { name: 'A key', scopes, rateLimitPerMinute: null, ...fields };
    return made(await maker.post<One<Made>>('/v1/api-keys', key));
  }

  async boundTo(ownerId: string): Promise<Client> {
    return this.clientOf((await this.makeKey({ ownerId })).secret);
  }

  private async properCallOf({ name }: DeclaredRoute): Promise<Call> {
    const call = this.proper[this.operationIds.get(name) ?? ''];
    if (!call) throw new Error(`no proper call of ${name}: test/support/proper-calls.ts needs one`);
    return call();
  }

  private send(client: Client, { method, path }: DeclaredRoute, url: string, call: Call): Promise<Answer> {
    const { path: filled, sent } = withPath(path, call);
    return client.at(url).send(method, filled, sent);
  }

  private async callerOf(kind: CallerKind, { name, access }: DeclaredRoute): Promise<Client> {
    if (kind === 'right key') return access === 'operator' ? this.operator : this.first;
    if (kind === 'wrong ledger') return this.stranger;
    if (kind === 'wrong scope') return this.withAllBut(access);
    // One of its own for each route, who has nothing.
    if (kind === 'wrong owner') return this.boundTo(`of ${name}`);
    return this.nobodies[kind];
  }

  private async withAllBut(access: string): Promise<Client> {
    const known = this.withoutScope.get(access);
    if (known) return known;
    // Any key at all is one without a scope as well.
    const rest = access === 'any-key' ? [] : scopes.filter((scope) => scope !== access);
    const client = this.clientOf((await this.makeKey({ scopes: rest })).secret);
    this.withoutScope.set(access, client);
    return client;
  }

  private async fill(): Promise<void> {
    const { first, operator, apps } = this;
    const open = () => first.open({ ownerId: 'alice', openingBalance: 1_000_000 });
    const [one, other] = [await open(), await open()];
    const { rows } = await apps.db.query<{ id: string }>('SELECT id FROM access.ledgers WHERE is_first');
    const ofWebhooks = { client: first, ledgerId: rows[0]!.id, db: apps.db, url: () => apps.receiver.url };
    this.account = one;
    this.proper = {
      ...properCalls(first, operator, one, other),
      ...properWebhookCalls(ofWebhooks),
      accountsOpen: () => ({ body: { name: 'Carol', currency: 'EUR', ownerId: 'alice' } }),
    };
    for (const id of ['transactionsGet', 'apiKeysGet', 'organizationsGet', 'webhookDeliveriesGet']) {
      await this.proper[id]!();
    }
    for (const { url } of [apps.ledger, apps.dispatcher]) {
      const { body } = await first.at(url).get<OpenApiDocument>('/openapi.json');
      for (const { method, path, operationId } of new DocumentedApi(body).operations) {
        this.operationIds.set(`${method} ${path}`, operationId);
      }
    }
  }

  private async makeNobodies(): Promise<void> {
    const expired = this.clientOf(
      (await this.makeKey({ expiresAt: new Date(Date.now() + 1_000).toISOString() })).secret,
    );
    while ((await expired.get('/v1/accounts')).status === 200) await sleep(50);
    const key = await this.makeKey();
    const [ofLive, ofTest] = ['sk_live_', 'sk_test_'].map((prefix) => `${prefix}planted${randomUUID()}`);
    await this.plantSecret(key, ofLive!);
    await this.plantSecret(key, ofTest!);
    const { status } = await this.clientOf(ofLive!).get('/v1/accounts');
    if (status !== 200) throw new Error(`a planted secret of the right mode is answered ${status}`);
    this.nobodies = {
      'no key': this.clientOf(''),
      'wrong key': this.clientOf(key.secret.slice(0, -8) + 'wrong000'),
      'expired key': expired,
      'wrong mode': this.clientOf(ofTest!),
    };
  }

  /** As if the key had it, which no route does. */
  private async plantSecret({ id }: Made, secret: string): Promise<void> {
    await this.apps.db.query(
      'INSERT INTO access.api_key_secrets (id, key_id, secret_hash) VALUES ($1, $2, $3)',
      [randomUUID(), uuidOf(id), hash('sha256', secret, 'buffer')],
    );
  }

  private async keyOfOtherLedger(): Promise<Client> {
    const organization = made(await this.operator.post<One<Made>>('/v1/organizations', { name: 'Another' }));
    const path = `/v1/organizations/${organization.id}/ledgers`;
    const body = { name: 'Another', mode: 'live' };
    const { apiKey } = made(await this.operator.post<One<{ apiKey: Made }>>(path, body));
    const unlimited = await this.makeKey({}, this.clientOf(apiKey.secret));
    return this.clientOf(unlimited.secret);
  }
}

function made<T>({ status, text, body }: Answer<One<T>>): T {
  if (status !== 201) throw new Error(`expected 201, not ${status}: ${text}`);
  return body.data;
}
