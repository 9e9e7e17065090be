import type { FastifyInstance } from 'fastify';
import { ApiError } from './api-error.js';
import { acceptJsonOnly } from './json-body.js';

type Done = (error: Error | null, body?: unknown) => void;
type Parser = (request: unknown, body: Buffer, done: Done) => void;

/** What Fastify would be told of a body: the value, or the status and code of the refusal. */
function read(payload: string | Buffer): unknown {
  let parser: Parser | undefined;
  const kinds: string[] = [];
  acceptJsonOnly({
    removeAllContentTypeParsers: () => undefined,
    decorateRequest: () => undefined,
    addContentTypeParser: (kind: string, _options: object, parse: Parser) => {
      kinds.push(kind);
      parser = parse;
    },
  } as unknown as FastifyInstance);
  expect(kinds).toEqual(['application/json']);
  let got: unknown;
  const request = { bodyBytes: 0, is404: false, headers: { 'content-type': 'application/json' } };
  parser?.(request, Buffer.from(payload), (error, body) => {
    if (error && !(error instanceof ApiError)) throw error;
    got = error ? [error.status, error.code] : body;
  });
  expect(request.bodyBytes).toBe(Buffer.byteLength(payload));
  return got;
}

describe('a body', () => {
  it.each<[string, string | Buffer, unknown]>([
    ['an object', '{"a":[1,"é",null]}', { a: [1, 'é', null] }],
    ['escapes that make whole characters', '{"a":"\\u00e9\\ud83d\\ude00"}', { a: 'é😀' }],
    ['a field named like a method', '{"constructor":1}', { constructor: 1 }],
    ['a text about \\u0000 that is none', '{"a":"\\\\u0000"}', { a: '\\u0000' }],
  ])('%s is read', (_, payload, got) => {
    expect(read(payload)).toEqual(got);
  });

  it.each<[string, string | Buffer]>([
    ['text that is no JSON', '{"a":'],
    ['two documents', '{} {}'],
    ['bytes that are not UTF-8', Buffer.from([0x22, 0xff, 0x22])],
    ['U+0000', '{"a":"x\\u0000"}'],
    ['U+0000 deep inside', '{"a":[{"b":["\\u0000"]}]}'],
    ['U+0000 in a key', '{"a\\u0000":1}'],
    ['an unpaired surrogate', '{"a":"\\ud83d"}'],
    ['an unpaired surrogate in a key', '{"\\ude00":1}'],
    ['a raw control character', '{"a":"\u0000"}'],
    ['a __proto__ key', '{"__proto__":{"admin":true}}'],
    ['a __proto__ key in disguise', '{"\\u005f_proto__":{"admin":true}}'],
    ['a __proto__ key deep inside', '{"a":[{"__proto__":1}]}'],
    ['NaN', '{"a":NaN}'],
  ])('%s is refused', (_, payload) => {
    expect(read(payload)).toEqual([400, 'validation_error']);
  });

  it('may be missing', () => {
    expect(read('')).toBeUndefined();
  });
});
