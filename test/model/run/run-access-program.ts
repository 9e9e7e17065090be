/** A program of administering access against the real product, then every secret once more, then the audit logs. */
import { setTimeout as pause } from 'node:timers/promises';
import { answerOf, shownBy, type AccessCall, type AccessRun } from '../check/access-log.js';
import { keeper, uses, type AccessOperation, type AccessProgram } from '../generate/access-program.js';
import { Client, withQuery } from '../../support/client.js';
import { BOOTSTRAP_API_KEY, OPERATOR_API_KEY } from '../../support/product.js';

type Shown = Readonly<Record<string, unknown>>;

/** Waited before the end, so that whatever was changed, and every token of a second, is over everywhere. */
const knownEverywhereMs = 2_100;
const pageLimit = { 'page[limit]': '100' };

export async function runAccessProgram(urls: readonly string[], program: AccessProgram): Promise<AccessRun> {
  const run = new Run(urls);
  try {
    return await run.play(program);
  } finally {
    run.close();
  }
}

class Run {
  private readonly calls: AccessCall[] = [];
  private readonly clients: readonly Client[];
  private readonly first: Client;
  private readonly operator: Client;
  private bootstrapKey = '';

  constructor(urls: readonly string[]) {
    this.clients = urls.map((url) => new Client(url, ''));
    this.first = new Client(urls[0]!, BOOTSTRAP_API_KEY);
    this.operator = new Client(urls[0]!, OPERATOR_API_KEY);
  }

  async play({ operations }: AccessProgram): Promise<AccessRun> {
    const before = {
      operatorKey: OPERATOR_API_KEY,
      bootstrapSecret: BOOTSTRAP_API_KEY,
      keys: await this.first.all<Shown>('/v1/api-keys', pageLimit),
      organizations: await this.operator.all<Shown>('/v1/organizations', pageLimit),
    };
    this.bootstrapKey = textOf(before.keys.at(-1)!['id']);
    const entriesBefore = (await this.auditLog(this.first)).length;
    for (const operation of operations) await this.send(operation);
    await pause(knownEverywhereMs);
    await this.useEverything();
    return { before, entriesBefore, calls: this.calls, auditLogs: await this.auditLogs() };
  }

  close(): void {
    for (const client of [...this.clients, this.first, this.operator]) client.close();
  }

  private async auditLogs(): Promise<AccessRun['auditLogs']> {
    const made = new Client(this.clients[0]!.url, this.resolved(keeper) as string);
    try {
      return { first: await this.auditLog(this.first), made: await this.auditLog(made) };
    } finally {
      made.close();
    }
  }

  private auditLog(client: Client): Promise<Shown[]> {
    return client.all<Shown>('/v1/audit-log', pageLimit);
  }

  private async useEverything(): Promise<void> {
    const made = this.calls
      .map(shownBy)
      .flatMap((shown) => [
        ...texts(shown, ['secret', 'token']),
        ...texts((shown['apiKey'] ?? {}) as Shown, ['secret']),
      ]);
    for (const [number, bearer] of made.entries()) {
      const process = number % this.clients.length;
      for (const use of [uses[0]!, uses[number % uses.length]!])
        await this.sendResolved({ bearer, process, ...use });
    }
  }

  private async send({ number: _, pauseMs = 0, ...request }: AccessOperation): Promise<void> {
    if (pauseMs > 0) await pause(pauseMs);
    await this.sendResolved(this.resolved(request) as Request);
  }

  private async sendResolved({ bearer, process, method, path, query = {}, body }: Request): Promise<void> {
    const authorization = bearer === null ? undefined : `Bearer ${bearer}`;
    const startedAt = Date.now();
    const answer = await this.clients[process]!.send(method, withQuery(path, query), {
      ...(body === undefined ? {} : { body }),
      headers: { authorization },
    });
    const { status, text, headers } = answer;
    const limit = headers['x-ratelimit-limit'];
    const rateLimit = typeof limit === 'string' ? limit : null;
    const endedAt = Date.now();
    this.calls.push({
      startedAt,
      endedAt,
      process,
      bearer,
      method,
      path,
      query,
      body,
      status,
      text,
      rateLimit,
    });
  }

  private resolved(value: unknown): unknown {
    if (typeof value === 'string') return this.resolvedText(value);
    if (Array.isArray(value)) return value.map((each) => this.resolved(each));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, this.resolved(each)]));
  }

  private resolvedText(text: string): string {
    const found = /\{(\w+)(?::(-?\d+))?\}/.exec(text);
    if (found === null) return text;
    const [whole, kind = '', number = ''] = found;
    return text.replace(whole, this.named(kind, Number(number)));
  }

  private named(kind: string, number: number): string {
    switch (kind) {
      case 'operator':
        return OPERATOR_API_KEY;
      case 'bootstrap':
        return BOOTSTRAP_API_KEY;
      case 'bootstrapKey':
        return this.bootstrapKey;
      case 'now':
        return new Date(Date.now() + number).toISOString();
      default:
        return this.lastShown(kind, number) ?? unknown[kind] ?? 'nothing';
    }
  }

  /** By that call, or the last one before it that showed such a thing; of what the program makes at first, by none after. */
  private lastShown(kind: string, number: number): string | undefined {
    const least = number < 3 ? number : 3;
    for (let at = Math.min(number, this.calls.length - 1); at >= least; at--) {
      const value = shownAs(kind, this.calls[at]!);
      if (value !== undefined) return value;
    }
    return undefined;
  }
}

type Request = Omit<AccessOperation, 'number' | 'pauseMs'>;

const unknown: Readonly<Record<string, string>> = {
  key: 'key_01jd3v4wqzfxs9v5n6m7k8h2re',
  ledgerKey: 'key_01jd3v4wqzfxs9v5n6m7k8h2re',
  organization: 'org_01jd3v4wqzfxs9v5n6m7k8h2re',
  entryTime: '2024-01-01T00:00:00Z',
};

function shownAs(kind: string, call: AccessCall): string | undefined {
  const shown = shownBy(call);
  const first = (shown['apiKey'] ?? {}) as Shown;
  const values: Readonly<Record<string, () => unknown>> = {
    secret: () => shown['secret'],
    token: () => shown['token'],
    key: () => (shown['scopes'] === undefined ? undefined : shown['id']),
    ledgerSecret: () => first['secret'],
    ledgerKey: () => first['id'],
    organization: () => (String(shown['id']).startsWith('org_') ? shown['id'] : undefined),
    cursor: () => answerOf(call).meta?.page['nextCursor'] ?? undefined,
    entryTime: () =>
      call.path === '/v1/audit-log'
        ? (answerOf(call).data as Shown[] | undefined)?.[0]?.['createdAt']
        : undefined,
  };
  return values[kind]?.() as string | undefined;
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const texts = (shown: Shown, names: readonly string[]): string[] =>
  names.map((name) => textOf(shown[name])).filter((text) => text !== '');
