import { InvalidSettings } from '#platform';
import { readSettings } from './config.js';

const needed = {
  DISPATCHER_DATABASE_URL: 'postgres://dispatcher@localhost/ledger',
  SECRETS_KEY: Buffer.alloc(32, 7).toString('base64'),
};

test('what has a default need not be set: nothing is sent to http or to addresses that are not public', () => {
  expect(readSettings(needed)).toMatchObject({
    HOST: '0.0.0.0',
    DISPATCHER_PORT: 3001,
    LOG_LEVEL: 'info',
    WEBHOOK_ALLOW_HTTP: false,
    WEBHOOK_ALLOWED_RANGES: [],
    BODY_BYTES_MAX: 1_048_576,
    SHUTDOWN_MS: 12_000,
  });
});

test.each([
  ['10.1.0.0/16', ['10.1.0.0/16']],
  [' 127.0.0.0/8, ::1/128 ', ['127.0.0.0/8', '::1/128']],
  ['', []],
])('ranges are given as %j', (text, ranges) => {
  expect(readSettings({ ...needed, WEBHOOK_ALLOWED_RANGES: text }).WEBHOOK_ALLOWED_RANGES).toEqual(ranges);
});

test.each(['DISPATCHER_DATABASE_URL', 'SECRETS_KEY'])('%s must be set', (name) => {
  expect(() => readSettings({ ...needed, [name]: undefined })).toThrow(`${name} is not set`);
});

test.each([
  ['DISPATCHER_DATABASE_URL', 'http://example.com'],
  ['HOST', ''],
  ['DISPATCHER_PORT', 'many'],
  ['SECRETS_KEY', 'short'],
  ['LOG_LEVEL', 'loud'],
  ['WEBHOOK_ALLOW_HTTP', 'maybe'],
  ['WEBHOOK_ALLOW_HTTP', ''],
  ['WEBHOOK_ALLOWED_RANGES', '10.0.0.0/8,10.1.2.3'],
  ['WEBHOOK_ALLOWED_RANGES', '10.0.0.0/33'],
  ['BODY_BYTES_MAX', '0'],
  ['API_CONNECTIONS_MAX', '-1'],
  ['DELIVERY_CONNECTIONS_MAX', 'all'],
  ['SHUTDOWN_MS', '1s'],
])('a wrong %s is named: %j', (name, value) => {
  const read = () => readSettings({ ...needed, [name]: value });
  expect(read).toThrow(InvalidSettings);
  expect(read).toThrow(new RegExp(`^${name} is wrong`));
});
