import { endToEnd, integration, plant, testsOf } from './plant.mjs';

/** Who may do what, from outside: no key opens more than it was given. */
const source = (name) => `libs/access/src/${name}.ts`;

export const plantedInAccess = [
  plant(
    'a signature does not cover the body',
    source('signature'),
    `    .update(parts.body)
`,
    ``,
    'libs/access/src/signature.spec.ts',
  ),
  plant(
    'a signature does not cover the idempotency key',
    source('signature'),
    '`${timestamp}.${requestId}.${method}.${path}.${idempotencyKey}.`',
    '`${timestamp}.${requestId}.${method}.${path}.${idempotencyKey && 1}.`',
    'libs/access/src/signature.spec.ts',
  ),
  plant(
    'a signed request is good for a second time',
    source('nonces'),
    `return answer.isFirst ? 'first' : 'repeated';`,
    `return answer.isFirst || answer.isInTime ? 'first' : 'repeated';`,
    integration('nonces'),
  ),
  plant(
    'a signed request is good for an hour',
    source('nonces'),
    `const timestampToleranceSeconds = 300;`,
    `const timestampToleranceSeconds = 3_600;`,
    integration('nonces'),
  ),
  plant(
    'a rotated secret works for ever',
    source('api-keys'),
    `(s.ends_at > clock_timestamp()) IS NOT FALSE`,
    `(s.ends_at > s.created_at) IS NOT FALSE`,
    testsOf(endToEnd('api-keys'), 'has two secrets while they overlap'),
  ),
  plant(
    'a key that was deleted opens what it opened',
    source('api-keys'),
    'const isLivingKey = `k.deleted_at IS NULL AND ',
    'const isLivingKey = `',
    testsOf(endToEnd('client-tokens'), 'by deletion and by expiry'),
  ),
  plant(
    'a key gives away what it may not do itself',
    source('keys/key'),
    `if (beyond !== undefined) throw`,
    `if (beyond === 'keys:manage') throw`,
    testsOf(endToEnd('api-keys'), 'by one that may do less'),
  ),
  plant(
    'a key of another ledger is found',
    source('keys/key'),
    `WHERE ledger_id = $1 AND id = $2 AND deleted_at IS NULL`,
    `WHERE $1::uuid IS NOT NULL AND id = $2 AND deleted_at IS NULL`,
    testsOf(endToEnd('api-keys'), 'keys of another ledger are not there'),
  ),
  plant(
    'a key is rotated and no audit log tells of it',
    source('keys/rotate-key'),
    `    await writeAudit(db, { ledgerId, actor, action: 'api_key.rotated', subject: keyIdOf(keyId), details });
`,
    `    if (!details) await writeAudit(db, { ledgerId, actor, action: 'api_key.rotated', subject: keyIdOf(keyId), details });
`,
    testsOf(endToEnd('api-keys'), 'has each change of a key'),
  ),
  plant(
    'a route is open to a key without its scope',
    source('authenticate'),
    `if (!principal.scopes.has(access as Scope)) {`,
    `if (!principal.scopes.has(access as Scope) && access !== 'transactions:read') {`,
    endToEnd('scopes'),
  ),
  plant(
    'a client token keeps what its key has lost',
    source('client-tokens'),
    `new Set(claims.scopes.filter((scope) => key.scopes.has(scope)))`,
    `new Set(claims.scopes)`,
    testsOf(endToEnd('client-tokens'), 'of a scope comes when its key loses it'),
  ),
  plant(
    'a client token lives up to a second longer',
    source('client-tokens'),
    `Math.round(payload.exp * 1000) > nowMs ? payload : null`,
    `payload`,
    testsOf(endToEnd('client-tokens'), 'is exactly when it was told'),
  ),
  plant(
    'a test key opens a live ledger',
    source('api-keys'),
    `return principal?.prefix !== undefined && secret.startsWith(principal.prefix) ? principal : null;`,
    `return principal?.prefix !== undefined && secret.length > principal.prefix.length ? principal : null;`,
    testsOf(endToEnd('api-keys'), 'a secret whose beginning'),
  ),
];
