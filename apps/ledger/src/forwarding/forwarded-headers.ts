import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

/** What is said between two neighbours about their connection, and says nothing to the one behind. */
const hopByHop = new Set([
  'connection',
  'expect',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * The caller's headers as they came, repeated ones included, because whoever checks them is behind us. Host is
 * the next one's own; the request's id is the one that our log has; the caller's address goes behind those of
 * the proxies before us.
 */
export function forwardedHeaders(message: IncomingMessage, requestId: string, hasBody: boolean): string[] {
  const replaced = new Set(['host', 'x-request-id', 'x-forwarded-for', ...named(message.headers.connection)]);
  if (!hasBody) replaced.add('content-length');
  const headers: string[] = [];
  for (let index = 0; index < message.rawHeaders.length; index += 2) {
    const name = message.rawHeaders[index] ?? '';
    const isOurs = hopByHop.has(name.toLowerCase()) || replaced.has(name.toLowerCase());
    if (!isOurs) headers.push(name, message.rawHeaders[index + 1] ?? '');
  }
  const addresses = [message.headers['x-forwarded-for'], message.socket.remoteAddress];
  headers.push('x-forwarded-for', addresses.filter((address) => address !== undefined).join(', '));
  headers.push('x-request-id', requestId);
  return headers;
}

/** The answer's headers but for those of its connection, and but for the request's id, which ours has already. */
export function answeredHeaders(headers: IncomingHttpHeaders): Record<string, string | string[]> {
  const dropped = new Set(['x-request-id', ...named(headers.connection)]);
  const kept: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !hopByHop.has(name) && !dropped.has(name)) kept[name] = value;
  }
  return kept;
}

/** The headers that Connection makes hop-by-hop. */
function named(connection: string | string[] | undefined): string[] {
  return [connection ?? []].flat().flatMap((text) =>
    text
      .toLowerCase()
      .split(',')
      .map((name) => name.trim()),
  );
}
