import type pg from 'pg';
import { Client, type Answer, type Sent } from './client.js';

export interface Secret {
  readonly name: string;
  readonly value: string;
}

/** Somewhere that a secret must not be. */
export interface Place {
  readonly where: string;
  readonly text: string;
}

/** Where one is shown for the only time. */
const disclosing = [
  /^POST \/v1\/api-keys(\/\w+\/rotate)?$/,
  /^POST \/v1\/organizations\/\w+\/ledgers$/,
  /^POST \/v1\/auth\/client-tokens$/,
  /^POST \/v1\/webhook-endpoints(\/\w+\/rotate-secret)?$/,
];

interface Disclosed {
  readonly secret?: string;
  readonly token?: string;
  readonly apiKey?: { readonly secret: string };
}

/** Every answer that its clients got, and every secret that they sent or were told. */
export class Recorder {
  readonly places: Place[] = [];
  private readonly values = new Map<string, string>();

  get secrets(): Secret[] {
    return [...this.values].map(([value, name]) => ({ name, value }));
  }

  add(name: string, value: string): void {
    if (value !== '' && !this.values.has(value)) this.values.set(value, `${name} ${this.values.size}`);
  }

  record(call: string, { status, headers, text, body }: Answer): void {
    let rest = text;
    if (status < 300 && disclosing.some((pattern) => pattern.test(call.split('?')[0]!))) {
      const { secret, token, apiKey } = (body as { data: Disclosed }).data;
      const disclosed = secret ?? token ?? apiKey?.secret;
      if (disclosed === undefined) throw new Error(`${call} discloses nothing`);
      this.add(call, disclosed);
      if (token) this.add(`signature of ${call}`, token.split('.')[2]!);
      // Once: beside it there must be none.
      rest = text.replace(disclosed, '');
    }
    this.places.push({ where: `answer to ${call}`, text: rest });
    this.places.push({ where: `headers of the answer to ${call}`, text: JSON.stringify(headers) });
  }
}

export class RecordedClient extends Client {
  constructor(
    url: string,
    private readonly secret: string,
    private readonly recorder: Recorder,
  ) {
    super(url, secret);
    recorder.add('sent as Bearer', secret);
  }

  override at(url: string): RecordedClient {
    return new RecordedClient(url, this.secret, this.recorder);
  }

  override async send<Body = unknown>(method: string, path: string, sent: Sent = {}): Promise<Answer<Body>> {
    const answer = await super.send<Body>(method, path, sent);
    this.recorder.record(`${method} ${path}`, answer);
    return answer;
  }
}

/** Every cell of every table, whatever the schema; bytes in hex. */
export async function cellsOf(db: pg.Client): Promise<Place[]> {
  const { rows: tables } = await db.query<{ name: string }>(
    `SELECT c.oid::regclass::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'm') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'`,
  );
  const places: Place[] = [];
  for (const { name } of tables) {
    const { rows } = await db.query<{ row: Record<string, unknown> }>(
      `SELECT to_jsonb(t) AS row FROM ${name} t`,
    );
    for (const { row } of rows) {
      for (const [column, value] of Object.entries(row)) {
        if (value === null || typeof value === 'number' || typeof value === 'boolean') continue;
        const text = typeof value === 'string' ? value : JSON.stringify(value);
        places.push({ where: `${name}.${column}`, text });
      }
    }
  }
  return places;
}

/** Where there is one of the secrets, as it is or in another form of its bytes. */
export function leaksIn(places: readonly Place[], secrets: readonly Secret[]): string[] {
  const all = places.map(({ text }) => text).join('\n');
  const leaks = secrets.flatMap(({ name, value }) =>
    formsOf(value)
      .filter((form) => all.includes(form))
      .flatMap((form) =>
        places.filter(({ text }) => text.includes(form)).map(({ where }) => `${where}: ${name}`),
      ),
  );
  return [...new Set(leaks)];
}

/** The secret, without its prefix as well, and both as bytes; of what is base64 the bytes that it stands for. */
function formsOf(secret: string): string[] {
  const bare = secret.replace(/^(sk_(live|test)|whsec)_/, '');
  const meant = Buffer.from(bare, 'base64');
  const isBase64 = meant.toString('base64') === bare;
  const texts = [secret, bare, encodeURIComponent(bare)];
  const bytes = [Buffer.from(secret), Buffer.from(bare), ...(isBase64 ? [meant] : [])];
  return [...new Set([...texts, ...bytes.flatMap(encodings)])];
}

function encodings(bytes: Buffer): string[] {
  const hex = bytes.toString('hex');
  const base64 = [0, 1, 2].map((offset) => base64At(bytes, offset));
  const url = base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'));
  return [hex, hex.toUpperCase(), ...base64, ...url];
}

/** The characters of base64 that these bytes alone decide, so far behind others. */
function base64At(bytes: Buffer, offset: number): string {
  const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
  return text.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6));
}
