import 'reflect-metadata';
import { refusedPaths } from '../../../../test/support/refused-paths.js';
import { MintBody, CreateBatchBody, CreateTransactionBody } from './transaction-bodies.js';

const alice = 'acc_01jd3v4wqzfxs9v5n6m7k8h2re';
const bob = 'acc_01jd3v52b8e4tsk2xw3g9r5c1f';
const single = { sender: alice, recipient: bob, amount: '5' };

describe('a body of one movement or several', () => {
  it.each<[string, object]>([
    ['one', single],
    ['one at a rate', { ...single, exchangeRate: '1.0837' }],
    ['several', { postings: [single, { ...single, amount: 7, exchangeRate: '0.5' }] }],
    ['a hundred', { postings: Array.from({ length: 100 }, () => single) }],
    ['a hold', { ...single, pending: true }],
    ['a hold with an end', { ...single, pending: true, expiresAt: '2099-01-01T00:00:00Z' }],
    ['none to be held, and no end', { ...single, pending: false, expiresAt: null }],
    ['a back-dated one', { ...single, effectiveAt: '2020-01-01T00:00Z' }],
    [
      'conditions',
      {
        ...single,
        conditions: [
          { accountId: alice, version: 0 },
          { accountId: 'ROOT', minPosted: -5 },
        ],
      },
    ],
    ['a dry run', { ...single, dryRun: true }],
  ])('is in order: %s', (_, body) => {
    expect(refusedPaths(body, CreateTransactionBody)).toBeNull();
  });

  it.each<[string, object, string[]]>([
    ['nothing', {}, ['sender', 'recipient', 'amount']],
    ['no recipient', { sender: alice, amount: 1 }, ['recipient']],
    ['both', { ...single, postings: [single] }, ['sender', 'recipient', 'amount']],
    ['a rate beside postings', { postings: [single], exchangeRate: '1' }, ['exchangeRate']],
    ['no postings in a list of them', { postings: [] }, ['postings']],
    ['a hundred and one', { postings: Array.from({ length: 101 }, () => single) }, ['postings']],
    ['postings of another kind', { postings: 'x' }, ['postings']],
    ['postings of null', { postings: null }, ['postings']],
    [
      'a posting of another kind',
      { postings: [single, 5, null, [], 'x'] },
      [1, 2, 3, 4].map((n) => `postings[${n}]`),
    ],
    [
      'a posting without an amount',
      { postings: [single, { sender: alice, recipient: bob }] },
      ['postings[1].amount'],
    ],
    [
      'a posting with what it does not know',
      { postings: [{ ...single, reference: 'x' }] },
      ['postings[0].reference'],
    ],
    ['EXCHANGE', { ...single, recipient: 'EXCHANGE' }, ['recipient']],
    ['EXCHANGE in a posting', { postings: [{ ...single, sender: 'EXCHANGE' }] }, ['postings[0].sender']],
    ['an end without a hold', { ...single, expiresAt: '2099-01-01T00:00:00Z' }, ['expiresAt']],
    [
      'a hold that is back-dated',
      { ...single, pending: true, effectiveAt: '2020-01-01T00:00Z' },
      ['effectiveAt'],
    ],
    ['a time without a zone', { ...single, effectiveAt: '2020-01-01T00:00:00' }, ['effectiveAt']],
    ['a time that no table holds', { ...single, effectiveAt: '0000-01-01T00:00:00Z' }, ['effectiveAt']],
    ['a rate of zero', { ...single, exchangeRate: '0.000' }, ['exchangeRate']],
    ['a rate as a number', { ...single, exchangeRate: 1.5 }, ['exchangeRate']],
    ['no condition in a list of them', { ...single, conditions: [] }, ['conditions']],
    ['an empty condition', { ...single, conditions: [{ accountId: alice }] }, ['conditions[0].version']],
    ['a condition of nobody', { ...single, conditions: [{ version: 1 }] }, ['conditions[0].accountId']],
    [
      'a negative version',
      { ...single, conditions: [{ accountId: alice, version: -1 }] },
      ['conditions[0].version'],
    ],
    ['a dry run of another kind', { ...single, dryRun: 'true' }, ['dryRun']],
    ['a key', { ...single, idempotencyKey: 'x' }, ['idempotencyKey']],
  ])('is refused: %s', (_, body, paths) => {
    expect(refusedPaths(body, CreateTransactionBody)).toEqual(paths);
  });

  it('may be of one side, where the route says the other', () => {
    const mint = { recipient: bob, amount: 1 };
    expect(
      refusedPaths({ ...mint, pending: true, conditions: [{ accountId: bob, version: 1 }] }, MintBody),
    ).toBeNull();
    expect(refusedPaths({ ...mint, postings: [single] }, MintBody)).toEqual(['postings']);
    expect(refusedPaths({ ...mint, exchangeRate: '1' }, MintBody)).toEqual(['exchangeRate']);
    expect(refusedPaths({ ...mint, expiresAt: '2099-01-01T00:00:00Z' }, MintBody)).toEqual(['expiresAt']);
  });
});

describe('a batch', () => {
  const batch = (transactions: unknown, rest: object = { mode: 'atomic' }) => ({ ...rest, transactions });
  const many = (count: number, body: object = single) => Array.from({ length: count }, () => body);

  it.each<[string, object]>([
    ['one', batch([single])],
    ['a thousand, with keys', batch(many(1_000, { ...single, idempotencyKey: 'k' }))],
    ['4,000 postings', batch(many(40, { postings: many(100) }))],
    ['a dry run', batch([single], { mode: 'independent', dryRun: true })],
  ])('is in order: %s', (_, body) => {
    expect(refusedPaths(body, CreateBatchBody)).toBeNull();
  });

  it.each<[string, object, string[]]>([
    ['no mode', batch([single], {}), ['mode']],
    ['another mode', batch([single], { mode: 'both' }), ['mode']],
    ['none', batch([]), ['transactions']],
    ['1,001', batch(many(1_001)), ['transactions']],
    ['4,001 postings', batch([...many(40, { postings: many(100) }), single]), ['transactions']],
    ['a dry run inside', batch([single, { ...single, dryRun: true }]), ['transactions[1].dryRun']],
    ['a wrong key', batch([{ ...single, idempotencyKey: 'a b' }]), ['transactions[0].idempotencyKey']],
    ['a wrong amount', batch([single, single, single, { ...single, amount: 0 }]), ['transactions[3].amount']],
    [
      'a wrong amount of a posting',
      batch([single, { postings: [single, { ...single, amount: '01' }] }]),
      ['transactions[1].postings[1].amount'],
    ],
    [
      'what does not go together',
      batch([{ ...single, postings: [single] }]),
      ['sender', 'recipient', 'amount'].map((field) => `transactions[0].${field}`),
    ],
  ])('is refused: %s', (_, body, paths) => {
    expect(refusedPaths(body, CreateBatchBody)).toEqual(paths);
  });

  it('names twenty faults at most', () => {
    expect(refusedPaths(batch(many(1_000, {})), CreateBatchBody)).toHaveLength(20);
  });
});
