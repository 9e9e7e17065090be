import { scopes } from '#access';
import { choice, count, nullable, object, text, time, typeId, type SchemaObject } from '#openapi';
import { exampleIds } from './schema-parts.js';

const key = {
  id: typeId('key', 'Its id, which stays when its secret changes', exampleIds.key),
  name: text('What it is for', 'Checkout service'),
  scopes: {
    type: 'array',
    items: { type: 'string', enum: [...scopes] },
    description: 'What it may do',
    examples: [['accounts:read', 'transactions:write']],
  } satisfies SchemaObject,
  ownerId: nullable(text('The owner that it is bound to; null for none', 'merchant-17')),
  rateLimitPerMinute: nullable({ ...count('Requests that it may make in a minute; null: any', 6_000) }),
  signing: choice(['none', 'required'], 'Whether it must sign its requests'),
  expiresAt: nullable(time('When it stops to work; null for never', '2099-12-31T23:59:59.000000Z')),
  lastUsedAt: nullable(time('When it was last used, to within a minute; null for never')),
  createdAt: time('When it was made'),
  updatedAt: time('When it was last changed, or given a new secret'),
};

const secret = text('What it proves itself with; shown this once', `sk_live_${'x1Y2'.repeat(10)}z3A`, {
  pattern: '^sk_(live|test)_[0-9A-Za-z]{43}$',
});

const ledger = {
  id: typeId('ldg', 'Its id', exampleIds.ledger),
  name: text('What it is called', 'Wallets'),
  mode: choice(['live', 'test'], 'What its keys begin with'),
  createdAt: time('When it was made'),
};

/** Keys, ledgers and whose they are, and who changed them. */
export const accessSchemas = {
  ApiKey: object(key, 'What opens a ledger. Its secrets are known to its holder alone.'),
  ApiKeyWithSecret: object({ ...key, secret }, 'A key whose secret is new.'),
  Organization: object(
    {
      id: typeId('org', 'Its id', exampleIds.organization),
      name: text('What it is called', 'Acme Payments'),
      createdAt: time('When it was made'),
    },
    'A company, whose ledgers they are.',
  ),
  Ledger: object(ledger, 'A closed book: its accounts, transactions and keys never meet another’s.'),
  NewLedger: object(
    {
      ...ledger,
      apiKey: object(
        { id: typeId('key', 'Its id', exampleIds.key), secret },
        'Its first key, which has every scope',
      ),
    },
    'A ledger that was just made.',
  ),
  AuditEntry: object(
    {
      id: typeId('aud', 'Its id', exampleIds.auditEntry),
      actor: text('Who did it: a key, or operator, cli, dispatcher or environment', exampleIds.key),
      action: text('What was done', 'api_key.updated'),
      subject: text('The id of what was changed', exampleIds.key),
      details: {
        type: 'object',
        description: 'What was changed, before and after; never a secret',
        additionalProperties: true,
        examples: [{ before: { name: 'Checkout' }, after: { name: 'Checkout service' } }],
      },
      createdAt: time('When it was done'),
    },
    'One change of a key, an endpoint or a setting.',
  ),
  ClientToken: object(
    {
      token: text(
        'Sent as Bearer; shown this once',
        'eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl',
      ),
      expiresAt: time('From when on it is refused'),
    },
    'What an app of one owner calls with.',
  ),
} satisfies Record<string, SchemaObject>;

/** At /.well-known, where the form is RFC 7517's. */
export const jsonWebKeySet = object(
  {
    keys: {
      type: 'array',
      description: 'The newest first, then those whose tokens may still live',
      items: object(
        {
          kid: typeId('jwk', 'Its id', exampleIds.tokenKey),
          kty: choice(['OKP'], 'Its type'),
          crv: choice(['Ed25519'], 'Its curve'),
          x: text('The public key', '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo'),
          alg: choice(['EdDSA'], 'What it signs with'),
          use: choice(['sig'], 'What it is for'),
        },
        'A public key.',
      ),
    },
  },
  'The public keys of client tokens.',
);
