import { readSettings as readDispatcherSettings } from '../../apps/webhook-dispatcher/src/config.js';
import { readSettings as readLedgerSettings } from '../../apps/ledger/src/config.js';
import { readStartSettings } from './config.js';

const needed = {
  LEDGER_DATABASE_URL: 'postgres://ledger_ledger:x@localhost/ledger',
  DISPATCHER_DATABASE_URL: 'postgres://ledger_dispatcher:x@localhost/ledger',
  BOOTSTRAP_API_KEY: 'k'.repeat(32),
  SECRETS_KEY: Buffer.alloc(32).toString('base64'),
};
/** Those that the start makes, or checks itself and passes on under its own eyes. */
const ofTheStart = [...Object.keys(needed), 'PORT', 'DISPATCHER_PORT', 'LEDGER_ROLE', 'LOG_LEVEL'];

function passedOn(names: readonly string[], app: 'ledgerSettings' | 'dispatcherSettings'): string[] {
  const settings = readStartSettings(Object.fromEntries(names.map((name) => [name, 'set'])));
  return Object.keys({ ...settings[app], ...settings.kafkaSettings }).sort();
}

test.each([
  ['ledgerSettings', readLedgerSettings],
  ['dispatcherSettings', readDispatcherSettings],
] as const)('every setting of an app reaches it: %s', (app, readSettings) => {
  const names = Object.keys(readSettings(needed)).filter((name) => !ofTheStart.includes(name));
  expect(names.length).toBeGreaterThan(5);
  expect(passedOn(names, app)).toEqual(expect.arrayContaining(names));
});

describe('webhooks to this machine', () => {
  const openings = { WEBHOOK_ALLOW_HTTP: 'true', WEBHOOK_ALLOWED_RANGES: '127.0.0.0/8,::1/128' };

  test('are allowed where nothing is said', () => {
    const settings = readStartSettings({});
    expect(settings.dispatcherSettings).toEqual(openings);
    expect(settings.openings).toEqual(openings);
    expect(settings.receiver).toEqual({ port: 3002, isPortGiven: false });
  });

  test.each([
    { NODE_ENV: 'production' },
    { WEBHOOK_ALLOW_HTTP: 'false' },
    { WEBHOOK_ALLOWED_RANGES: '10.0.0.0/8' },
  ])('are not promised by the tour with %j', (environment) => {
    const settings = readStartSettings(environment);
    expect(settings.receiver).toBeUndefined();
    expect(settings.dispatcherSettings).not.toEqual(openings);
    for (const name of Object.keys(environment)) expect(settings.openings).not.toHaveProperty(name);
  });

  test('may be allowed in production, by name', () => {
    const { dispatcherSettings } = readStartSettings({ NODE_ENV: 'production', WEBHOOK_ALLOW_HTTP: 'true' });
    expect(dispatcherSettings).toEqual({ WEBHOOK_ALLOW_HTTP: 'true' });
  });
});

test('a Kafka of our own is for start:kafka without a cluster', () => {
  expect(readStartSettings({}, []).startsKafka).toBe(false);
  expect(readStartSettings({}, ['--kafka']).startsKafka).toBe(true);
  const settings = readStartSettings({ KAFKA_BROKERS: 'kafka:9092', KAFKA_TLS: 'true' }, ['--kafka']);
  expect(settings.startsKafka).toBe(false);
  expect(settings.kafkaSettings).toEqual({ KAFKA_BROKERS: 'kafka:9092', KAFKA_TLS: 'true' });
});
