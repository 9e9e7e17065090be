import { integration, plant, testsOf } from './plant.mjs';

/** From the event stream to the receiver: nothing lost, nothing said to who may not know it, nobody fooled. */
const source = (name) => `apps/webhook-dispatcher/src/${name}.ts`;
const suite = (name) => `apps/webhook-dispatcher/src/delivery/${name}.spec.ts`;

const sending = [
  plant(
    'a webhook is signed over its time and then its id',
    source('delivery/signature'),
    '`${id}.${timestampSeconds}.`',
    '`${timestampSeconds}.${id}.`',
    suite('signature'),
  ),
  plant(
    'a webhook is signed with the text of its secret',
    source('delivery/signature'),
    `Buffer.from(secret.slice(secretPrefix.length), 'base64')`,
    `Buffer.from(secret.slice(secretPrefix.length))`,
    suite('signature'),
  ),
  plant(
    'a webhook is signed with the newest secret alone',
    source('delivery/signature'),
    `const signatures = secrets.map(`,
    `const signatures = secrets.slice(0, 1).map(`,
    suite('signature'),
  ),
  plant(
    'the addresses of a name are not judged when it is resolved',
    source('delivery/guarded-connect'),
    `isIP(address) !== 0 && guard.refusalOf(address) === null`,
    `isIP(address) !== 0`,
    suite('guarded-connect'),
  ),
  plant(
    'the address on the other end is not judged',
    source('delivery/guarded-connect'),
    `const refusal = to.guard.refusalOf(socket.remoteAddress ?? '');`,
    `const refusal: string | null = null;`,
    suite('guarded-connect'),
  ),
  plant(
    'an address that is written out is judged when the endpoint is made alone',
    source('delivery/guarded-connect'),
    `const refusal = isIP(hostname) ? settings.guard.refusalOf(hostname) : null;`,
    `const refusal: string | null = null;`,
    suite('guarded-connect'),
  ),
  plant(
    'the certificate of a receiver is not checked',
    source('delivery/guarded-connect'),
    `rejectUnauthorized: true`,
    `rejectUnauthorized: false`,
    suite('guarded-connect'),
  ),
  plant(
    'a redirect counts as delivered',
    source('delivery/attempt-outcome'),
    `statusCode <= 299`,
    `statusCode <= 399`,
    suite('verdict'),
  ),
  plant(
    'what failed together is tried again together',
    source('delivery/retry-schedule'),
    `(1 - jitter + 2 * jitter * random())`,
    `(1 + 0 * random())`,
    suite('retry-schedule'),
  ),
  plant(
    'a delivery is tried again without end',
    source('delivery/retry-schedule'),
    `const seconds = waitSeconds[attempts - 1];`,
    `const seconds = waitSeconds[attempts - 1] ?? waitSeconds.at(-1);`,
    suite('retry-schedule'),
  ),
  plant(
    'a breaker that has opened stays open',
    source('delivery/circuit-breaker'),
    `      this.probeAt = null;
      this.probeWaitMs = probeMs;`,
    `      this.probeWaitMs = probeMs;`,
    suite('circuit-breaker'),
  ),
  plant(
    'a breaker lets any number of probes through',
    source('delivery/circuit-breaker'),
    `if (this.isProbing || this.nowMs() < this.probeAt) return null;`,
    `if (this.nowMs() < this.probeAt) return null;`,
    suite('circuit-breaker'),
  ),
  plant(
    'an endpoint sends twice what it allows in a second',
    source('delivery/rate-limit'),
    `(elapsedMs * this.perSecond) / 1_000`,
    `(elapsedMs * this.perSecond) / 500`,
    suite('rate-limit'),
  ),
];

const delivering = [
  plant(
    'a result is written under a term that has ended',
    source('delivery/held-terms'),
    ` AND h.term = s.term`,
    ``,
    testsOf(integration('webhook-shards'), 'a write under an old term'),
  ),
  plant(
    'a result is written twice',
    source('delivery/scan-results'),
    ` AND d.status = $17 AND d.attempts = r.number - 1`,
    ` AND d.status = $17`,
    testsOf(integration('webhook-shards'), 'a result that'),
  ),
  plant(
    'what a dead process was delivering stays with it',
    source('delivery/scan-shards'),
    `WHERE shard = ANY ($1) AND status = 'delivering'`,
    `WHERE shard = ANY ($1) AND status = 'delivering' AND is_manual`,
    testsOf(integration('webhook-shards'), 'redeliver what a killed one'),
  ),
  plant(
    'a delivery is claimed before its time',
    source('delivery/scan-shards'),
    `AND x.next_attempt_at <= now() AND x.day >= $7::date`,
    `AND x.day >= $7::date`,
    testsOf(integration('webhook-shards'), 'takes what is due'),
  ),
  plant(
    'an event overtakes those before it on its account',
    source('delivery/scan-lanes'),
    `(ahead.epoch, ahead.position) < (mine.epoch, mine.position)`,
    `(ahead.epoch, ahead.position) < (mine.epoch, mine.position - 1)`,
    testsOf(integration('webhook-ordering'), 'one after another'),
  ),
  plant(
    'an owner is sent all that the ledger knows',
    source('delivery/endpoint-line'),
    `body: body.bodyFor(this.endpoint.ownerId, skipped),`,
    `body: body.bodyFor(null, skipped),`,
    'test/e2e/webhook-owners.e2e.spec.ts',
  ),
  plant(
    "a webhook shows others' balances to an owner",
    'libs/contracts/src/redact.ts',
    `filter(({ accountId }) => hasMoneyShown(accountId))`,
    `filter(({ accountId }) => isShown(accountId))`,
    'libs/contracts/src/webhook-body.spec.ts',
  ),
];

const takingIn = [
  plant(
    'an event that comes again is delivered again',
    source('intake/message-order'),
    `if (next.epoch === last.epoch && next.position <= last.position) return 'repeat';`,
    `if (next.epoch === last.epoch && next.position < last.position) return 'repeat';`,
    source('intake/message-order.spec'),
  ),
  plant(
    'a gap in the events of a ledger is passed over',
    source('intake/message-order'),
    `next.position <= last.position + 1n`,
    `next.position <= last.position + 2n`,
    integration('webhook-intake'),
  ),
  plant(
    'a message that can not be read is dropped',
    source('intake/decide-intake'),
    `      kept.push({ message, reason });
`,
    ``,
    integration('webhook-intake'),
  ),
  plant(
    'a message of no ledger is dropped',
    source('intake/intake'),
    `if (keyless.length > 0) {`,
    `if (keyless.length > 1_000) {`,
    integration('webhook-intake'),
  ),
  plant(
    'one transaction takes in deliveries without end',
    source('intake/intake'),
    `deliveries > deliveriesPerTurnMax && index > 0`,
    `deliveries > deliveriesPerTurnMax * 100 && index > 0`,
    testsOf(integration('webhook-intake'), 'no more events than'),
  ),
  plant(
    'the position moves past events that were not taken',
    'libs/event-stream/src/postgres-turn.ts',
    `lastHandled(records, messages)`,
    `lastHandled(records, records.length)`,
    integration('event-stream-postgres'),
  ),
  plant(
    'an endpoint gets events from before it was made',
    source('intake/decide-intake'),
    `event.recordedAtMicros > endpoint.createdAtMicros && `,
    ``,
    integration('webhook-intake'),
  ),
  plant(
    "an endpoint of an owner gets others' events",
    source('intake/matching'),
    `(ownerId === null || event.ownerIds.includes(ownerId))`,
    `(ownerId === null || event.ownerIds.length > 0)`,
    integration('webhook-intake'),
  ),
  plant(
    'the stream goes on before its messages are taken in',
    'libs/event-stream/src/postgres-turn.ts',
    `  const messages = await subscriber.handle(db, records.map(messageOf));
  await saveOffset(db, subscriber.name, ledgerId, lastHandled(records, messages));`,
    `  await saveOffset(db, subscriber.name, ledgerId, lastHandled(records, records.length));
  await db.query('COMMIT');
  await db.query('BEGIN');
  const messages = await subscriber.handle(db, records.map(messageOf));`,
    testsOf(integration('event-stream-turns'), 'that fails stops no other ledger'),
  ),
  plant(
    'the stream of Kafka goes on before its messages are taken in',
    'libs/event-stream/src/kafka-turn.ts',
    `  const handled = await subscriber.handle(
    db,
    fresh.map((message) => streamMessageOf(message, key)),
  );
  const next = BigInt(lastHandled(fresh, handled).offset) + 1n;
  await saveOffset(db, key, next);`,
    `  const next = BigInt(lastHandled(fresh, fresh.length).offset) + 1n;
  await saveOffset(db, key, next);
  await db.query('COMMIT');
  await db.query('BEGIN');
  const handled = await subscriber.handle(
    db,
    fresh.map((message) => streamMessageOf(message, key)),
  );`,
    'test/kafka/stored-offsets.kafka.spec.ts',
  ),
  plant(
    'a recovery sends nothing of what was given up',
    source('recovery/recovery-worker'),
    `WHERE d.status IN ('failed', 'exhausted', 'cancelled')`,
    `WHERE d.status IN ('failed')`,
    integration('webhook-recovery'),
  ),
  plant(
    'a recovery sends again what has arrived',
    source('recovery/recover-endpoint'),
    ` AND d.status = 'succeeded')`,
    ` AND d.status = 'delivering')`,
    integration('webhook-recovery'),
  ),
  plant(
    'a dead letter that is discarded is in no audit log',
    source('intake/dead-letters'),
    `    await audit(db, ledgerId, id, action);
`,
    ``,
    testsOf(integration('webhook-intake'), 'a message that can’t be read'),
  ),
];

export const plantedInWebhooks = [...sending, ...delivering, ...takingIn];
