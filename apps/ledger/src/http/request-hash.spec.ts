import { hash } from 'node:crypto';
import { batchHash, canonicalText, itemHash, requestHash } from './request-hash.js';

const hex = (buffer: Buffer) => buffer.toString('hex');
const hashOf = (body: unknown) => hex(requestHash('POST', '/v1/transactions', body));

const transfer = { sender: 'acc_1', recipient: 'acc_2', amount: '5' };

/** Written by a request of an earlier release: what it stored must be found by its repetition for ever. */
it('is what it was in the first release', () => {
  const text =
    '["POST","/v1/transactions",{"amount":"5","metadata":{"a":[1,{"x":"é","y":null}],"b":2},"recipient":"acc_2","sender":"acc_1"}]';
  const body = { metadata: { b: 2, a: [1, { y: null, x: 'é' }] }, ...transfer, amount: 5 };
  expect(hashOf(body)).toBe(hash('sha256', text, 'hex'));
});

describe('two bodies are the same', () => {
  it.each<[string, unknown, unknown]>([
    ['whatever the order of fields', transfer, { amount: '5', recipient: 'acc_2', sender: 'acc_1' }],
    ['with amounts as numbers', transfer, { ...transfer, amount: 5 }],
    [
      'with amounts of postings as numbers',
      { postings: [transfer] },
      { postings: [{ ...transfer, amount: 5 }] },
    ],
    [
      'with balances of conditions as numbers',
      { conditions: [{ minPosted: '-5', maxPosted: '7' }] },
      { conditions: [{ maxPosted: 7, minPosted: -5 }] },
    ],
    ['nothing and null', undefined, null],
  ])('%s', (_, one, other) => {
    expect(hashOf(one)).toBe(hashOf(other));
  });
});

describe('two bodies are different', () => {
  it.each<[string, unknown, unknown]>([
    ['in the order of postings', { postings: [1, 2] }, { postings: [2, 1] }],
    ['in numbers that are no amounts', { conditions: [{ version: 5 }] }, { conditions: [{ version: '5' }] }],
    [
      'in metadata, whatever its names',
      { metadata: { postings: [{ amount: 5 }] } },
      { metadata: { postings: [{ amount: '5' }] } },
    ],
    ['in a field that one lacks', transfer, { ...transfer, dryRun: false }],
    ['in a field that is null', transfer, { ...transfer, reference: null }],
  ])('%s', (_, one, other) => {
    expect(hashOf(one)).not.toBe(hashOf(other));
  });
});

describe('of a batch', () => {
  const item = (body: object, key: string | null = null) => ({ text: canonicalText(body), key });
  const ofBatch = (rest: object, ...items: { text: string; key: string | null }[]) =>
    hex(batchHash('/v1/transactions/batch', rest, items));
  const mode = { mode: 'atomic' };

  it("an item's is that of the request that it would be alone", () => {
    expect(hex(itemHash(canonicalText({ ...transfer, amount: 5 })))).toBe(hashOf(transfer));
  });

  it('does not change with the form of amounts', () => {
    expect(ofBatch(mode, item(transfer))).toBe(ofBatch(mode, item({ ...transfer, amount: 5 })));
  });

  it.each([
    ['another mode', ofBatch({ mode: 'independent' }, item(transfer))],
    ['a dry run', ofBatch({ ...mode, dryRun: true }, item(transfer))],
    ['a key of an item', ofBatch(mode, item(transfer, 'k'))],
    ['another item', ofBatch(mode, item(transfer), item(transfer))],
    ['none', ofBatch(mode)],
  ])('changes with %s', (_, other) => {
    expect(other).not.toBe(ofBatch(mode, item(transfer)));
  });
});
