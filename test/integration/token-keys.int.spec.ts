import { setTimeout as sleep } from 'node:timers/promises';
import { AccessDatabase, TokenKeys } from '#access';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { SECRETS_KEY } from '../support/product.js';

const answersAfterMs = 300;

let database: TestDatabase;
let access: AccessDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
  const settings = { url: database.ledgerUrl, applicationName: 'test', secretsKey: SECRETS_KEY };
  access = await AccessDatabase.connect(settings);
});

afterAll(async () => {
  import.meta.jest.restoreAllMocks();
  await access.close();
  await database.drop();
});

const databaseMs = async () => {
  const [row] = await access.query<{ ms: number }>(
    'SELECT extract(epoch FROM clock_timestamp())::double precision * 1000 AS ms',
  );
  return row!.ms;
};

test('a database that answers late makes no token live longer', async () => {
  const tokenKeys = new TokenKeys(access);
  const { kid } = await tokenKeys.signingKey();
  const query = access.query.bind(access);
  const late = import.meta.jest.spyOn(access, 'query').mockImplementation(async (text, values) => {
    const rows = await query<never>(text, values);
    await sleep(answersAfterMs);
    return rows;
  });
  const key = await tokenKeys.verifyingKey(kid);
  late.mockRestore();
  const before = await databaseMs();
  expect(key!.nowMs()).toBeGreaterThanOrEqual(before);
});
