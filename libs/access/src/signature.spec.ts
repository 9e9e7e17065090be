import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { isSignedWithOne, signatureOf, type SignedParts } from './signature.js';

const secret = `sk_live_${'a1B2'.repeat(10)}xyz`;
const parts: SignedParts = {
  timestamp: '1763712345',
  requestId: 'req-1',
  method: 'POST',
  path: '/v1/transactions',
  idempotencyKey: 'order-8',
  body: Buffer.from('{"amount":"250","reference":"Café 🥐"}'),
};
const signed = (each: SignedParts, key = secret) => signatureOf(each, key).toString('hex');

describe('a signature', () => {
  test('is what the contract says, over the bytes as they were sent', () => {
    const text = '1763712345.req-1.POST./v1/transactions.order-8.{"amount":"250","reference":"Café 🥐"}';
    expect(signed(parts)).toBe(createHmac('sha256', secret).update(text, 'utf8').digest('hex'));
  });

  test('covers a path that is not ASCII by its bytes, which Node gives as Latin-1', () => {
    const path = '/v1/accounts?filter[name]=é';
    const text = `1763712345.req-1.GET.${path}..`;
    const read = { ...parts, method: 'GET', body: Buffer.alloc(0), idempotencyKey: '' };
    expect(signed({ ...read, path: Buffer.from(path, 'utf8').toString('latin1') })).toBe(
      createHmac('sha256', secret).update(text, 'utf8').digest('hex'),
    );
  });

  test('is good with any secret that still lives, and with no other', () => {
    expect(isSignedWithOne(parts, signed(parts), [secret])).toBe(true);
    expect(isSignedWithOne(parts, signed(parts), ['sk_live_new', secret])).toBe(true);
    expect(isSignedWithOne(parts, signed(parts), ['sk_live_new'])).toBe(false);
    expect(isSignedWithOne(parts, signed(parts), [])).toBe(false);
  });

  test.each([
    ['timestamp', '1763712346'],
    ['requestId', 'req-2'],
    ['method', 'PUT'],
    ['path', '/v1/transactions?a=b'],
    ['path', '/v1/mints'],
    ['idempotencyKey', 'order-9'],
    ['idempotencyKey', ''],
    ['body', Buffer.from('{"amount":"251","reference":"Café 🥐"}')],
    ['body', Buffer.from('{"amount":"250","reference":"Café 🥐"} ')],
    ['body', Buffer.alloc(0)],
  ])('is not good for another %s', (part, value) => {
    expect(isSignedWithOne({ ...parts, [part]: value }, signed(parts), [secret])).toBe(false);
  });

  test.each([
    ['nothing', () => ''],
    ['one digit less', (right: string) => right.slice(1)],
    ['one digit more', (right: string) => `${right}0`],
    ['its first half', (right: string) => right.slice(0, 32)],
    ['upper case', (right: string) => right.toUpperCase()],
    ['a blank around it', (right: string) => `${right} `],
    ['Base64', (right: string) => Buffer.from(right, 'hex').toString('base64')],
    ['no digits', () => 'z'.repeat(64)],
    ['a prefix', (right: string) => `sha256=${right}`],
  ])('is not good as %s', (_name, alter) => {
    // Some letter, so that upper case is another text.
    const lettered = { ...parts, requestId: 'with-letters' };
    expect(signed(lettered)).toMatch(/[a-f]/);
    expect(isSignedWithOne(lettered, alter(signed(lettered)), [secret])).toBe(false);
  });
});

describe('dots that are not separators', () => {
  const read: SignedParts = {
    ...parts,
    method: 'GET',
    path: '/v1/accounts?filter[name]=a.b',
    idempotencyKey: '',
    body: Buffer.alloc(0),
  };

  test('cannot make one signature good for two requests', () => {
    expect(isSignedWithOne(read, signed(read), [secret])).toBe(true);
    const cutOff = { ...read, path: '/v1/accounts?filter[name]=a', idempotencyKey: 'b.' };
    const bodied = { ...cutOff, idempotencyKey: 'b', body: Buffer.from('.') };
    const swallowed = { ...read, requestId: 'req-1.GET./v1/accounts?filter[name]=a', path: 'b' };
    for (const other of [cutOff, bodied, swallowed]) {
      expect(isSignedWithOne(other, signed(other), [secret])).toBe(false);
    }
    expect([cutOff, bodied].map((other) => signed(other))).toEqual([signed(read), signed(read)]);
  });

  test('are allowed where they make sense', () => {
    const { body } = parts;
    for (const each of [
      { ...parts, requestId: 'a.b.c' },
      { ...parts, idempotencyKey: 'order.8' },
      { ...read, requestId: 'a.b', path: '/v1/events?after=0.1.2' },
      { ...read, path: '/v1/accounts', idempotencyKey: 'a-uuid' },
      { ...parts, method: 'PATCH', idempotencyKey: '', body },
    ]) {
      expect([each, isSignedWithOne(each, signed(each), [secret])]).toEqual([each, true]);
    }
  });

  test('whatever the parts are: two requests that are good never share their text', () => {
    // Few characters, so that what could be mistaken for another is drawn often.
    const text = (...tokens: string[]) =>
      fc.array(fc.constantFrom(...tokens), { maxLength: 5 }).map((drawn) => drawn.join(''));
    const request = fc.record({
      timestamp: fc.constant('1'),
      requestId: text('a', '.', '/', 'GET', 'POST').map((id) => `r${id}`),
      method: fc.constantFrom('GET', 'POST'),
      path: text('a', '.', '/', 'GET', '{}').map((path) => `/${path}`),
      idempotencyKey: text('a', '.', '/', 'GET', '{}'),
      body: fc.constantFrom('', '{}', '{"a":".{}"}', '{".":{".":1.5}}').map((json) => Buffer.from(json)),
    });
    const byText = new Map<string, SignedParts>();
    let good = 0;
    fc.assert(
      fc.property(request, (drawn) => {
        if (!isSignedWithOne(drawn, signed(drawn), [secret])) return;
        good++;
        const { timestamp, requestId, method, path, idempotencyKey, body } = drawn;
        const whole = [timestamp, requestId, method, path, idempotencyKey, body.toString()].join('.');
        const other = byText.get(whole);
        if (other) expect(drawn).toEqual(other);
        byText.set(whole, drawn);
      }),
      { numRuns: 50_000 },
    );
    expect(good).toBeGreaterThan(5_000);
  });
});
