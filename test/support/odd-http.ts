import { rawRequest } from './raw-http.js';

/** A request that is odd as HTTP, and the statuses that it may get; the connection is looked at as well. */
export interface OddRequest {
  readonly kind: string;
  readonly bytes: Buffer;
  readonly statuses: readonly number[];
  /** It can be read in two ways, so that nothing behind it may be read at all. */
  readonly isAmbiguous?: boolean;
}

export interface OddTarget {
  readonly authorization: string;
  /** A list, as path. */
  readonly list: string;
  readonly post: string;
  /** A proper body of that. */
  readonly body: string;
  /** A request that nobody may hear. */
  readonly smuggled: Buffer;
}

const json = 'Content-Type: application/json';
const chunked = 'Transfer-Encoding: chunked';
const chunksOf = (body: string) => `${Buffer.byteLength(body).toString(16)}\r\n${body}\r\n0\r\n\r\n`;

/** Each is one way in which two readers of the same bytes have disagreed about where a request ends. */
function ambiguous({ authorization, post, body, smuggled }: OddTarget): readonly OddRequest[] {
  const length = Buffer.byteLength(body);
  const wordings: Readonly<Record<string, readonly [headers: readonly string[], body: string]>> = {
    'a length and chunks': [[`Content-Length: ${length}`, chunked], chunksOf(body)],
    'chunks and a length': [[chunked, 'Content-Length: 4'], chunksOf(body)],
    'two lengths': [[`Content-Length: ${length}`, 'Content-Length: 0'], body],
    'the same length twice': [[`Content-Length: ${length}`, `Content-Length: ${length}`], body],
    'a list of lengths': [[`Content-Length: ${length}, ${length}`], body],
    'a signed length': [[`Content-Length: +${length}`], body],
    'a negative length': [['Content-Length: -1'], body],
    'a hexadecimal length': [['Content-Length: 0x5'], body],
    'an empty length': [['Content-Length:'], body],
    'a blank before the colon': [['Transfer-Encoding : chunked'], chunksOf(body)],
    'a folded header': [['Transfer-Encoding:', ' chunked'], chunksOf(body)],
    'another coding': [['Transfer-Encoding: xchunked'], chunksOf(body)],
    'chunked, but not last': [['Transfer-Encoding: chunked, identity'], chunksOf(body)],
    'two codings': [[chunked, 'Transfer-Encoding: identity'], chunksOf(body)],
    'a vertical tab': [['Transfer-Encoding:\x0bchunked'], chunksOf(body)],
    'a chunk without a length': [[chunked], `x\r\n${body}\r\n0\r\n\r\n`],
    'a chunk of negative length': [[chunked], `-5\r\n${body}\r\n0\r\n\r\n`],
    'a chunk of 2^80 bytes': [[chunked], `100000000000000000000\r\n${body}\r\n0\r\n\r\n`],
    'chunks that end in LF': [[chunked], `${length.toString(16)}\n${body}\n0\n\n`],
    'a chunk longer than it says': [[chunked], `1\r\n${body}\r\n0\r\n\r\n`],
  };
  return Object.entries(wordings).map(([kind, [headers, content]]) => ({
    kind,
    bytes: Buffer.concat([rawRequest(`POST ${post}`, [authorization, json, ...headers], content), smuggled]),
    statuses: [400, 415],
    isAmbiguous: true,
  }));
}

/** Header lines of a POST that has a proper body, and what it may be answered. */
const postHeaders: Readonly<
  Record<string, readonly [lines: readonly string[], statuses: readonly number[]]>
> = {
  'two keys': [
    ['Idempotency-Key: a', 'Idempotency-Key: b'],
    [400, 201],
  ],
  'an empty key': [['Idempotency-Key:'], [400, 201]],
  'a key of 10 KB': [[`Idempotency-Key: ${'k'.repeat(10_000)}`], [400, 201]],
  'a key with a blank': [['Idempotency-Key: a b'], [400, 201]],
  'a key that is not ASCII': [['Idempotency-Key: \xe9'], [400, 201]],
  'two authorizations': [['Authorization: Bearer x'], [401]],
  'another type as well': [['Content-Type: text/plain'], [415]],
  'an unknown expectation': [['Expect: 103-checkpoint'], [201]],
  'an announcement': [['Expect: 100-continue'], [201]],
  'a body in gzip': [['Content-Encoding: gzip'], [415]],
  'a body in two codings': [['Content-Encoding: gzip, br'], [415]],
  'an id of the request twice': [['X-Request-Id: a', 'X-Request-Id: b'], [201]],
  'an id of 10 KB': [[`X-Request-Id: ${'i'.repeat(10_000)}`], [201]],
  'an upgrade': [['Connection: Upgrade', 'Upgrade: h2c'], [201]],
  'no JSON accepted': [['Accept: text/html'], [406]],
  'an accept of 10 KB': [[`Accept: ${'a/b,'.repeat(2_500)}*/*`], [201, 406]],
  'a method to override': [['X-HTTP-Method-Override: DELETE'], [201]],
  'a path to rewrite': [['X-Original-URL: /metrics', 'X-Rewrite-URL: /metrics'], [201]],
};

type Odd = readonly [text: string, statuses: readonly number[]];

const queries: Readonly<Record<string, Odd>> = {
  'a parameter twice': ['page[limit]=1&page[limit]=2', [400]],
  'brackets in brackets': ['filter[a][b][c]=1', [400]],
  'an open bracket': ['filter[=1', [400]],
  'a list': ['filter[status][]=open', [400]],
  '%00': ['filter[status]=%00', [400]],
  'half an escape': ['filter[status]=%', [400]],
  'no escape': ['filter[status]=%zz', [400]],
  'UTF-8 that is none': ['filter[status]=%c3%28', [400]],
  'a prototype': ['__proto__[x]=1', [400]],
  'a method of objects': ['constructor=1', [400]],
  'no name': ['=1', [400]],
  'nothing but separators': ['&&&', [200]],
  nothing: ['', [200]],
  '1,000 filters': [Array.from({ length: 1_000 }, (_, n) => `f${n}=${n}`).join('&'), [400]],
  '64 KB': [`a=${'x'.repeat(65_536)}`, [431]],
  '15 KB': [`a=${'x'.repeat(15_000)}`, [400]],
  'a page of 2^70': ['page[page]=1180591620717411303424', [400]],
  'a cursor of 400 bytes': [`page[cursor]=${'A'.repeat(400)}`, [400]],
  'an exponent': ['page[limit]=1e1', [400]],
};

/** The first line of a GET. */
const lines: Readonly<Record<string, Odd>> = {
  'a method that is none': ['BREW /v1/accounts', [400]],
  'a method in lower case': ['get /v1/accounts', [400]],
  'a tunnel': ['CONNECT 127.0.0.1:1', [405]],
  'the server itself': ['OPTIONS *', [404]],
  'half an escape in the path': ['GET /v1/accounts/%', [404]],
  '%00 in the path': ['GET /v1/accounts/%00', [404]],
  'UTF-8 that is none in the path': ['GET /v1/accounts/%ff%fe', [404]],
  'a path in Latin-1': ['GET /v1/acc\xe9unts', [400, 404]],
  dots: ['GET /v1/accounts/../../metrics', [404]],
  'escaped dots': ['GET /v1/%2e%2e/metrics', [404]],
  'an id of 15 KB': [`GET /v1/accounts/${'a'.repeat(15_000)}`, [404]],
  'a backslash': ['GET /v1\\accounts', [400, 404]],
};

/** All of them for one app. */
export function oddRequests(target: OddTarget): readonly OddRequest[] {
  const { authorization, list, post, body } = target;
  const length = `Content-Length: ${Buffer.byteLength(body)}`;
  const get = (kind: string, line: string, statuses: readonly number[]) => ({
    kind,
    bytes: rawRequest(line, [authorization]),
    statuses,
  });
  return [
    ...ambiguous(target),
    ...Object.entries(postHeaders).map(([kind, [headers, statuses]]) => ({
      kind,
      bytes: rawRequest(`POST ${post}`, [authorization, json, length, ...headers], body),
      statuses,
    })),
    ...['utf-16', 'iso-8859-1', 'x', '"utf-7"'].map((charset) => ({
      kind: `a body in ${charset}`,
      bytes: rawRequest(`POST ${post}`, [authorization, `${json}; charset=${charset}`, length], body),
      statuses: [415],
    })),
    ...Object.entries(queries).map(([kind, [query, statuses]]) =>
      get(kind, `GET ${list}?${query}`, statuses),
    ),
    ...Object.entries(lines).map(([kind, [line, statuses]]) => get(kind, line, statuses)),
    {
      kind: 'headers of 20 KB',
      bytes: rawRequest(`GET ${list}`, [`X: ${'x'.repeat(20_000)}`]),
      statuses: [431],
    },
    { kind: 'TLS', bytes: Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]), statuses: [400] },
    { kind: 'HTTP/2', bytes: Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), statuses: [400] },
    { kind: 'LF alone', bytes: Buffer.from(`GET ${list} HTTP/1.1\n${authorization}\n\n`), statuses: [400] },
  ];
}
