import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import {
  accountRecord,
  postedRecord,
  recordOf,
  storedProgress,
  storedTransaction,
  uuid,
  type StoredPosting,
} from '../../../test/support/journal-records.js';
import { eventTypes } from './event-types.js';
import type { JournalRecord } from './journal-record.js';
import type { JsonSchema } from './schema-parts.js';
import { renderStreamEvent } from './stream-event.js';
import { optionalTransactionProperties } from './transaction-schemas.js';
import { webhookBodyOf } from './webhook-body.js';

const types = eventTypes.map(({ type }) => type);
const ajv = new Ajv2020({ strict: true, allErrors: true, strictRequired: false, allowUnionTypes: true });
addFormats.default(ajv);

const schemaOf = (type: string) => eventTypes.find((described) => described.type === type)!.schema;
const open = new Map(types.map((type) => [type, ajv.compile(schemaOf(type))]));
const closed = new Map(types.map((type) => [type, ajv.compile(withoutUnknown(schemaOf(type)))]));

/** Clients are promised that fields may be added; that none is sent which is not described, is for the tests. */
function withoutUnknown<Part>(schema: Part): Part {
  if (Array.isArray(schema)) return schema.map(withoutUnknown) as Part;
  if (schema === null || typeof schema !== 'object') return schema;
  const parts = Object.fromEntries(Object.entries(schema).map(([key, part]) => [key, withoutUnknown(part)]));
  return ('properties' in schema ? { ...parts, additionalProperties: false } : parts) as Part;
}

function faultsOf(type: string, body: unknown, by = closed): string {
  const isValid = by.get(type)!;
  return isValid(body) ? '' : ajv.errorsText(isValid.errors);
}

/** As it arrives. */
const sent = (record: JournalRecord, ownerId: string | null, skipped: readonly string[] = []) =>
  JSON.parse(JSON.stringify(webhookBodyOf(renderStreamEvent(record), { ownerId }, skipped))) as object;

const most = '9'.repeat(36);
const mine = { accountId: uuid(1), ownerId: 'alice', posted: most };
const theirs = { accountId: uuid(2), ownerId: 'bob', posted: '0' };
const exchange = { accountId: uuid(4), system: 'EXCHANGE', posted: `-${most}` };
const root = { accountId: uuid(3), system: 'ROOT', posted: `-${most}` };
const several: StoredPosting[] = [
  { sender: mine, recipient: theirs, amount: most },
  { sender: root, recipient: mine, amount: '1', currency: 'JPY' },
];
const changed: StoredPosting[] = [
  { sender: mine, recipient: exchange, amount: most },
  { sender: exchange, recipient: theirs, amount: '0', currency: 'JPY' },
];
const exchanges = [{ posting: 0, rate: '0.00000000000000001' }];

const expiresAt = '2026-02-07T10:00:00.000000Z';
const reversals = [uuid(0xa1), uuid(0xa2)];

/** An event of a transaction that has come this far, of so many postings as they are given. */
const held = (type: string, postings: readonly StoredPosting[], progress: object, changes: object = {}) =>
  recordOf(
    type,
    storedTransaction(postings, {
      ...changes,
      progress: storedProgress({
        captured: postings.map(() => '0'),
        reversed: postings.map(() => '0'),
        ...progress,
      }),
    }),
  );

const followed = (type: string, postings: readonly StoredPosting[], changes: object) =>
  recordOf(type, storedTransaction(postings, { ...changes }));

describe('the types of events', () => {
  it('are all that this release writes', () => {
    expect(types).toEqual([
      ...['account.opened', 'account.updated', 'account.closed'],
      ...['transaction.posted', 'transaction.pending', 'transaction.captured', 'transaction.reversed'],
      ...['transaction.voided', 'transaction.expired', 'transaction.extended'],
      ...['exchange-rate.set', 'currency.added', 'period.closed'],
    ]);
  });

  it.each(eventTypes)('$type is described, with an example of the whole body', ({ type, ...rest }) => {
    const { description, version, schema, example } = rest;
    expect(description).toMatch(/^[A-Z].*\.$/s);
    expect(version).toBe(1);
    expect(schema.$schema).toBe('https://json-schema.org/draft/2020-12/schema');
    expect(ajv.validateSchema(schema)).toBe(true);
    expect(JSON.parse(JSON.stringify(schema))).toEqual(schema);
    expect(example).toMatchObject({ type, version, data: expect.any(Object) });
    expect(faultsOf(type, example)).toBe('');
  });

  it.each(eventTypes)('every field of $type is described, by examples that fit it', ({ schema }) => {
    for (const [path, part] of partsOf(schema, 'body')) {
      expect([path, part.description]).toEqual([path, expect.stringMatching(/\w/)]);
      const { examples = [] } = part;
      expect([path, examples.filter((value) => !ajv.validate(part, value))]).toEqual([path, []]);
    }
  });
});

function partsOf(schema: JsonSchema, path: string): [string, JsonSchema][] {
  const { properties = {}, items, anyOf = [] } = schema;
  const named = Object.entries(properties).flatMap(([name, part]) => partsOf(part, `${path}.${name}`));
  const others = anyOf.filter(({ type }) => type !== 'null').flatMap((part) => partsOf(part, path));
  return [[path, schema], ...named, ...others, ...(items ? partsOf(items, `${path}[]`) : [])];
}

describe('a body fits the schema of its type', () => {
  const settings = {
    name: 'Зарплата 💶',
    externalId: 'x',
    ownerId: 'alice',
    minBalance: `-${most}`,
    maxBalance: most,
  };

  it.each<[string, JournalRecord]>([
    ['an account', accountRecord('account.opened', settings)],
    [
      'an account without limits',
      accountRecord('account.updated', { minBalance: null, visibility: 'public' }),
    ],
    ['a frozen account', accountRecord('account.updated', { status: 'frozen', visibility: 'unlisted' })],
    ['a closed account', accountRecord('account.closed', { status: 'closed', metadata: { a: [1, null] } })],
    ['ROOT', accountRecord('account.opened', { system: 'ROOT', name: 'ROOT', minBalance: null })],
    ['a transfer', postedRecord([{ sender: mine, recipient: theirs, amount: '1' }], { reference: '—' })],
    ['a mint', postedRecord([{ sender: root, recipient: mine, amount: '1' }], { type: 'mint' })],
    ['a burn', postedRecord([{ sender: theirs, recipient: root, amount: '1' }], { type: 'burn' })],
    ['several postings', postedRecord(several, { externalId: 'x', metadata: { é: {} } })],
    [
      'a back-dated transfer',
      postedRecord([{ sender: mine, recipient: theirs, amount: '1' }], { effectiveAt: expiresAt }),
    ],
    ['an exchange', postedRecord(changed, { type: 'exchange', exchanges })],
    [
      'two exchanges',
      postedRecord([...changed, ...changed], {
        exchanges: [...exchanges, { posting: 2, rate: '12' }],
      }),
    ],
    ['a hold', held('transaction.pending', several.slice(0, 1), { expiresAt })],
    ['a hold without an end', held('transaction.pending', several.slice(0, 1), {})],
    ['a hold in several currencies', held('transaction.pending', several, {})],
    ['a hold of an exchange', held('transaction.pending', changed, {}, { type: 'exchange', exchanges })],
    [
      'a hold with more time',
      held('transaction.extended', several.slice(0, 1), { status: 'partially_captured', captured: ['1'] }),
    ],
    [
      'a hold that ended',
      held('transaction.voided', changed, { status: 'voided', reversals }, { held: [most, '0'], exchanges }),
    ],
    ['a hold whose time had come', held('transaction.expired', several, { status: 'expired' })],
    [
      'a capture',
      followed('transaction.captured', several.slice(0, 1), {
        ...{ type: 'capture', parentId: uuid(0xb0) },
        progressed: [
          { transactionId: uuid(0xb0), progress: storedProgress({ captured: [most], reversals }) },
        ],
      }),
    ],
    [
      'a reversal',
      followed('transaction.reversed', several, { type: 'reversal', reverses: uuid(0xb0), reason: 'x' }),
    ],
    [
      'a reversal of an exchange, for no reason',
      followed('transaction.reversed', changed, {
        ...{ type: 'reversal', exchanges, reverses: uuid(0xb0), reason: null },
      }),
    ],
    ['a rate', recordOf('exchange-rate.set', { from: 'EUR', to: 'MILES', rate: '123456789012345678' })],
    ['a currency', recordOf('currency.added', { code: 'a1', exponent: 18, name: 'Зарплата 💶' })],
    ['a closed period', recordOf('period.closed', { through: expiresAt, closedBefore: expiresAt })],
    ...types.map((type): [string, JournalRecord] => [`an erased ${type}`, recordOf(type, null)]),
  ])('for %s, whoever reads it', (_, record) => {
    for (const ownerId of [null, 'alice', 'bob', 'carol']) {
      expect(faultsOf(record.type, sent(record, ownerId))).toBe('');
      expect(faultsOf(record.type, sent(record, ownerId, ['evt_01h6jx0000e008000000000070']))).toBe('');
    }
  });

  it('also with fields of a later release, which the closed schema would refuse', () => {
    const record = postedRecord(several);
    const body = sent(record, null) as { data: object };
    const later = { ...body, trace: 'x', data: { ...body.data, fee: null } };
    expect(faultsOf(record.type, later, open)).toBe('');
    expect(faultsOf(record.type, later)).toContain('additional properties');
  });

  const ofHolds = ['expiresAt', 'capturedAmount', 'remainingAmount', 'reversedAmount', 'reversals'];

  it.each([
    ['transaction.posted', ['reversedAmount', 'reversals']],
    ['transaction.pending', ofHolds],
    ['transaction.captured', ['parentId', 'hold', 'reversedAmount', 'reversals']],
    ['transaction.reversed', ['reverses', 'reason']],
    ['transaction.voided', ofHolds],
    ['transaction.expired', ofHolds],
    ['transaction.extended', ofHolds],
  ])('that of %s has, of what only some transactions have, always the same', (type, names) => {
    const [data] = schemaOf(type).properties!['data']!.anyOf!;
    const some: readonly string[] = optionalTransactionProperties;
    expect(Object.keys(data!.properties!).filter((name) => some.includes(name))).toEqual(names);
    expect(data!.required).toEqual(expect.arrayContaining(names));
  });

  it.each<[string, object]>([
    ['of another type', { type: 'account.opened' }],
    ['of another format', { version: 2 }],
    ['with a number for its position', { position: 17 }],
    ['without an event id', { id: undefined }],
    ['with another kind of id', { id: 'txn_01h6jx0000e008000000000077' }],
    ['with milliseconds', { occurredAt: '2026-01-31T09:15:27.482Z' }],
    ['with an amount as a number', { data: { amount: 1 } }],
    ['with an amount below zero', { data: { amount: '-1' } }],
    ['without metadata', { data: { metadata: undefined } }],
    ['without balances', { data: { balances: undefined } }],
  ])('and one %s does not', (_, changes: { data?: object }) => {
    const record = postedRecord([{ sender: mine, recipient: theirs, amount: '1' }]);
    const body = sent(record, null) as { data: object };
    const data = { ...body.data, ...changes.data };
    const changed = JSON.parse(JSON.stringify({ ...body, ...changes, data })) as object;
    expect(faultsOf(record.type, body, open)).toBe('');
    expect(faultsOf(record.type, changed, open)).not.toBe('');
  });
});
