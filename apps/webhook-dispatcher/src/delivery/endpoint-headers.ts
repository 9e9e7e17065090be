/** Ours to set, or of the connection: what an endpoint's own headers may not name. */
const reservedNames: ReadonlySet<string> = new Set([
  'accept-encoding',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'user-agent',
]);
const reservedPrefix = 'webhook-';
const token = /^[a-z0-9!#$%&'*+.^_`|~-]{1,100}$/i;
const fieldValue = /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/;
const headersMax = 20;
const valueCharactersMax = 1_024;

export function isReservedHeader(name: string): boolean {
  const lower = name.toLowerCase();
  return reservedNames.has(lower) || lower.startsWith(reservedPrefix);
}

/** Why a header of this name can't be added to webhooks, as a sentence, or null where it can. */
export function checkHeaderName(name: string): string | null {
  if (!token.test(name))
    return `must be named by 1 to 100 letters, digits or hyphens, not ${JSON.stringify(name)}`;
  return isReservedHeader(name) ? `must not name ${name}, which the dispatcher sets itself` : null;
}

/** Why an endpoint's own headers can't be sent, as a sentence, or null where they can. */
export function checkEndpointHeaders(headers: Readonly<Record<string, string>>): string | null {
  const names = Object.keys(headers);
  if (names.length > headersMax) return `must be at most ${headersMax}`;
  if (new Set(names.map((name) => name.toLowerCase())).size < names.length) return 'must not repeat a name';
  for (const [name, value] of Object.entries(headers)) {
    const reason = checkHeaderName(name);
    if (reason !== null) return reason;
    if (value.length > valueCharactersMax || !fieldValue.test(value)) {
      return `must have 1 to ${valueCharactersMax} visible ASCII characters in ${name}`;
    }
  }
  return null;
}
