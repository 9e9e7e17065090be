import { randomBytes, randomUUID } from 'node:crypto';
import pg from 'pg';
import { bigintArray, byteaArray, integerArray, textArray, timeArray, uuidArray } from '#platform';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

let database: TestDatabase;
let client: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase();
  client = new pg.Client({ connectionString: database.superuserUrl });
  await client.connect();
}, 60_000);
afterAll(async () => {
  await client.end();
  await database.drop();
});

/** What Postgres took it for, each element as its text. */
async function read(type: string, array: Buffer): Promise<(string | null)[]> {
  const { rows } = await client.query<{ texts: (string | null)[] }>(
    `SELECT coalesce((SELECT array_agg(x::text ORDER BY n) FROM unnest($1::${type}[]) WITH ORDINALITY AS u(x, n)), '{}')
      AS texts`,
    [array],
  );
  return rows[0]!.texts;
}

const same = <Value>(value: Value): Value => value;
const uuids = [randomUUID(), '00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff'];
const bytes = [randomBytes(32), Buffer.alloc(0), Buffer.from([0, 255])];
const texts = ['', 'null', 'a,"b"}\\', 'line\nbreak', 'é€😀', 'x'.repeat(70_000)];
const hex = (buffer: Buffer) => `\\x${buffer.toString('hex')}`;

const table: readonly [type: string, array: Buffer, expected: readonly (string | null)[]][] = [
  ['uuid', uuidArray(uuids, same), uuids],
  ['uuid', uuidArray([null, uuids[0]!], same), [null, uuids[0]!]],
  ['bytea', byteaArray([...bytes, null], same), [...bytes.map(hex), null]],
  ['text', textArray([...texts, null], same), [...texts, null]],
  [
    'integer',
    integerArray([0, 1, -1, 2_147_483_647, -2_147_483_648], same),
    ['0', '1', '-1', '2147483647', '-2147483648'],
  ],
  [
    'bigint',
    bigintArray([0n, 7, -1n, 9_223_372_036_854_775_807n, null], same),
    ['0', '7', '-1', '9223372036854775807', null],
  ],
  [
    'timestamptz',
    timeArray([0n, 946_684_800_000_000n, 1_763_700_000_123_456n, -62_135_596_800_000_000n, null], same),
    [
      '1970-01-01 00:00:00+00',
      '2000-01-01 00:00:00+00',
      '2025-11-21 04:40:00.123456+00',
      '0001-01-01 00:00:00+00',
      null,
    ],
  ],
  ['uuid', uuidArray<string>([], same), []],
  ['text', textArray<string>([], same), []],
];

it.each(table)('%s', async (type, array, expected) => {
  await client.query(`SET timezone = 'UTC'`);
  expect(await read(type, array)).toEqual(expected);
});

it.each([
  '',
  'nobody',
  'ABCDEF00-0000-0000-0000-000000000000',
  '00000000-0000-0000-0000-00000000000',
  '00000000-0000-0000-0000-0000000000000',
  '0000000000000000-0000-0000-0000-00000',
  '00000000-0000-0000-0000-00000000000g',
  '{00000000-0000-0000-0000-00000000000}',
])('“%s” is no UUID', (text) => {
  expect(() => uuidArray([uuids[0]!, text], same)).toThrow('is not a UUID');
});
