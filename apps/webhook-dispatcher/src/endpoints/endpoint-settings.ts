import { validationError, type ErrorDetail } from '#http';
import { checkEndpointHeaders, checkHeaderName } from '../delivery/endpoint-headers.js';
import { checkEndpointUrl, type EndpointUrlRules } from '../delivery/endpoint-url.js';
import { sentId } from '../http/ids.js';
import type { EndpointBody } from './endpoint-bodies.js';
import { maxConcurrencyDefault } from './endpoint-limits.js';
import type { EndpointSettings } from './endpoint.js';

export const newEndpointDefaults: Omit<EndpointSettings, 'url'> = {
  eventTypes: ['*'],
  accountIds: [],
  description: null,
  ordering: 'none',
  rateLimitPerSecond: null,
  maxConcurrency: maxConcurrencyDefault,
  headers: {},
  legacySignatureHeader: null,
};

/**
 * The settings that a body names, in the terms of the inside. What its class can't judge is refused here: the
 * URL by the rules that this process was started with, headers by what the sender sets itself.
 */
export function settingsOf(body: EndpointBody, rules: EndpointUrlRules): Partial<EndpointSettings> {
  const faults = faultsOf(body, rules);
  if (faults.length > 0) throw validationError(faults);
  const { url, eventTypes, accountIds, description, ordering, maxConcurrency, headers } = body;
  const { rateLimitPerSecond, legacySignature } = body;
  return {
    ...(url === undefined ? {} : { url }),
    ...(eventTypes === undefined ? {} : { eventTypes: [...new Set(eventTypes)] }),
    ...(accountIds === undefined
      ? {}
      : { accountIds: [...new Set(accountIds.map((id) => sentId('acc', id, 'accountIds')))] }),
    ...(description === undefined ? {} : { description }),
    ...(ordering === undefined ? {} : { ordering }),
    ...(rateLimitPerSecond === undefined ? {} : { rateLimitPerSecond }),
    ...(maxConcurrency === undefined ? {} : { maxConcurrency }),
    ...(headers === undefined ? {} : { headers }),
    ...(legacySignature === undefined ? {} : { legacySignatureHeader: legacySignature?.header ?? null }),
  };
}

function faultsOf({ url, headers, legacySignature }: EndpointBody, rules: EndpointUrlRules): ErrorDetail[] {
  const faults: [path: string, message: string | null][] = [
    ['url', url === undefined ? null : checkEndpointUrl(url, rules)],
    ['headers', headers === undefined ? null : (contentHeader(headers) ?? checkEndpointHeaders(headers))],
    ['legacySignature.header', legacySignature ? checkLegacyHeader(legacySignature.header) : null],
  ];
  return faults.flatMap(([path, message]) => (message === null ? [] : [{ path, message }]));
}

/** What describes the body is the dispatcher's to say. */
function contentHeader(headers: object): string | null {
  const name = Object.keys(headers).find((key) => key.toLowerCase().startsWith('content-'));
  return name === undefined ? null : `must not name ${name}, which the dispatcher sets itself`;
}

function checkLegacyHeader(name: string): string | null {
  return contentHeader({ [name]: '' }) ?? checkHeaderName(name);
}

/** What the audit log keeps of them: of headers the names alone, because their values may be secrets. */
export function auditedSettings(settings: Partial<EndpointSettings>): object {
  const { headers, ...rest } = settings;
  return { ...rest, ...(headers === undefined ? {} : { headers: Object.keys(headers) }) };
}
