import { isIP } from 'node:net';
import type { AddressGuard } from './address-guard.js';

export interface EndpointUrlRules {
  /** WEBHOOK_ALLOW_HTTP */
  readonly allowHttp: boolean;
  readonly guard: Pick<AddressGuard, 'refusalOf'>;
}

const urlCharactersMax = 2_048;
const portMin = 1_024;
const wellKnownPorts: readonly number[] = [80, 443];
/** The URL standard drops or turns these silently, so that what was checked isn't what was written. */
// eslint-disable-next-line no-control-regex
const deceptive = /[\u0000-\u0020\u007f-\u00a0\\\u2028\u2029]/;

/**
 * Why no webhook may be sent to this URL, as a sentence, or null where one may. Of a name only its text is judged
 * here; what it resolves to is judged at each connect.
 */
export function checkEndpointUrl(text: string, { allowHttp, guard }: EndpointUrlRules): string | null {
  if (text.length > urlCharactersMax) return `must have at most ${urlCharactersMax} characters`;
  if (deceptive.test(text)) return 'must not contain spaces, control characters or backslashes';
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(text) || !URL.canParse(text)) return 'must be an absolute URL';
  const url = new URL(text);
  if (url.href.length > urlCharactersMax) return `must have at most ${urlCharactersMax} characters`;
  if (url.protocol === 'http:' ? !allowHttp : url.protocol !== 'https:') {
    return allowHttp ? 'must begin with https:// or http://' : 'must begin with https://';
  }
  if (url.username !== '' || url.password !== '') return 'must not contain a user name or password';
  if (text.includes('#')) return 'must not have a fragment';
  const port = Number(url.port || wellKnownPortOf(url.protocol));
  if (!wellKnownPorts.includes(port) && port < portMin) return 'must name port 80, 443 or one from 1024 up';
  return checkHost(url.hostname, guard);
}

/** The URL standard has already turned each spelling of an IPv4 address (decimal, octal, hex, short) into one. */
function checkHost(hostname: string, guard: EndpointUrlRules['guard']): string | null {
  const literal = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
  const addresses = isIP(literal) ? [literal] : isLoopbackName(hostname) ? ['127.0.0.1', '::1'] : [];
  const refusals = addresses.map((address) => guard.refusalOf(address));
  if (refusals.length === 0 || refusals.includes(null)) return null;
  return `must not point to ${hostname}: ${refusals[0]}`;
}

/** These names mean loopback whatever a name server says (RFC 6761). */
export function isLoopbackName(hostname: string): boolean {
  return /^(.+\.)?localhost\.?$/i.test(hostname);
}

function wellKnownPortOf(protocol: string): string {
  return protocol === 'http:' ? '80' : '443';
}
