import { checkEndpointHeaders, checkHeaderName } from './endpoint-headers.js';

describe("an endpoint's own headers", () => {
  it.each([[{}], [{ Authorization: 'Bearer abc' }], [{ 'x-tenant': '7', 'X-Other': 'a b' }]])(
    'may be %j',
    (headers) => {
      expect(checkEndpointHeaders(headers)).toBeNull();
    },
  );

  it.each<[Record<string, string>, RegExp]>([
    [{ Host: 'example.com' }, /sets itself/],
    [{ 'Content-Length': '1' }, /sets itself/],
    [{ 'transfer-encoding': 'chunked' }, /sets itself/],
    [{ 'Webhook-Id': 'evt_1' }, /sets itself/],
    [{ 'WEBHOOK-SIGNATURE': 'v1,x' }, /sets itself/],
    [{ 'content-type': 'text/plain' }, /sets itself/],
    [{ 'User-Agent': 'me' }, /sets itself/],
    [{ 'x y': '1' }, /must be named/],
    [{ '': '1' }, /must be named/],
    [{ ['x'.repeat(101)]: '1' }, /must be named/],
    [{ 'x-a': 'a\r\nx-b: c' }, /visible ASCII/],
    [{ 'x-a': 'ü' }, /visible ASCII/],
    [{ 'x-a': '' }, /visible ASCII/],
    [{ 'x-a': ' a' }, /visible ASCII/],
    [{ 'x-a': 'a'.repeat(1_025) }, /visible ASCII/],
    [{ 'x-a': '1', 'X-A': '2' }, /repeat/],
    [Object.fromEntries(Array.from({ length: 21 }, (_, at) => [`x-${at}`, '1'])), /at most 20/],
  ])('may not be %j', (headers, reason) => {
    expect(checkEndpointHeaders(headers)).toMatch(reason);
  });

  it('leave the name of the plain signature free', () => {
    expect(checkHeaderName('X-HG-Webhook-Signature')).toBeNull();
    expect(checkHeaderName('webhook-signature')).toMatch(/sets itself/);
  });
});
