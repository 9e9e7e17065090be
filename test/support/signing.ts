import { createHmac, randomUUID } from 'node:crypto';
import { AccessDatabase, createKey, keyIdOf, operatorOf, type Scope } from '#access';
import type { Client, One, Sent } from './client.js';
import type { TestDatabase } from './database.js';
import { SECRETS_KEY } from './product.js';

export interface SigningKey {
  /** `key_…` */
  readonly id: string;
  readonly secret: string;
}

export interface Signed {
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly timestamp: string;
  readonly requestId: string;
  readonly idempotencyKey: string;
  readonly keyId: string;
  readonly signature: string;
}

/** Unix seconds. */
export const nowSeconds = (): number => Math.floor(Date.now() / 1000);

/** A request as the contract wants it signed. */
export function sign(key: SigningKey, method: string, path: string, parts: Partial<Signed> = {}): Signed {
  const signed = {
    method,
    path,
    body: '',
    timestamp: String(nowSeconds()),
    requestId: randomUUID(),
    idempotencyKey: '',
    keyId: key.id,
    ...parts,
  };
  const { timestamp, requestId, idempotencyKey, body } = signed;
  const text = [timestamp, requestId, signed.method, signed.path, idempotencyKey, body].join('.');
  return { signature: createHmac('sha256', key.secret).update(text, 'utf8').digest('hex'), ...signed };
}

/** The same request with something of it changed after it was signed. */
export function altered(signed: Signed, changes: Partial<Signed>): Signed {
  return { ...signed, ...changes };
}

export function sentAs({ body, ...signed }: Signed, headers: Sent['headers'] = {}): Sent {
  return {
    ...(body === '' ? {} : { raw: body }),
    headers: {
      authorization: undefined,
      'x-api-key': signed.keyId,
      'x-timestamp': signed.timestamp,
      'x-request-id': signed.requestId,
      'x-signature': signed.signature,
      ...(signed.idempotencyKey === '' ? {} : { 'idempotency-key': signed.idempotencyKey }),
      ...headers,
    },
  };
}

export const sendSigned = <Body>(client: Client, signed: Signed, headers: Sent['headers'] = {}) =>
  client.send<Body>(signed.method, signed.path, sentAs(signed, headers));

/** A key that must sign, without a limit; made by whoever may make it. */
export async function newSigningKey(maker: Client, fields: object = {}): Promise<SigningKey> {
  const answer = await maker.post<One<SigningKey>>('/v1/api-keys', {
    name: 'Signs',
    scopes: ['accounts:read', 'accounts:write', 'transactions:write', 'webhooks:read', 'webhooks:write'],
    rateLimitPerMinute: null,
    signing: 'required',
    ...fields,
  });
  if (answer.status !== 201) throw new Error(`expected 201, not ${answer.status}: ${answer.text}`);
  return answer.body.data;
}

/** The same where the ledger app that makes keys isn't running. */
export async function plantSigningKey(
  { ledgerUrl: url }: TestDatabase,
  ledgerId: string,
  scopes: readonly Scope[],
): Promise<SigningKey> {
  const database = await AccessDatabase.connect({ url, applicationName: 'test', secretsKey: SECRETS_KEY });
  const { key, secret } = await createKey(database, operatorOf(ledgerId, 'test'), {
    name: 'Signs',
    scopes,
    ownerId: null,
    signing: 'required',
    rateLimitPerMinute: null,
    expiresAt: null,
  });
  await database.close();
  return { id: keyIdOf(key.id), secret };
}
