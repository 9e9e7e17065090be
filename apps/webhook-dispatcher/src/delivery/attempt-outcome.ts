/** Whom one attempt goes to, and how it is signed. */
export interface AttemptTarget {
  readonly endpointId: string;
  readonly url: string;
  /** The endpoint's own; they never stand in for one of ours. */
  readonly headers: Readonly<Record<string, string>>;
  readonly legacySignatureHeader: string | null;
  /** `whsec_…`, newest first. */
  readonly secrets: readonly string[];
}

export interface WebhookMessage {
  /** `evt_…`: the same in every attempt. */
  readonly id: string;
  readonly body: string;
}

/**
 * Why an attempt got no whole answer:
 * - dns: the name has no address; blocked_address: it has none that may be sent to
 * - connect: refused or unreachable; tls: no handshake, or a certificate that proves nothing
 * - timeout: no connection, no answer or no end of it in time
 * - reset: closed under the request; protocol: what came is not an HTTP/1.1 answer
 * - response_too_large: reading was given up; the status counts, the rest of the body was not looked at
 * - invalid_request: what is stored can't be sent: the URL is no longer allowed, or a header is none
 * - aborted: we ended it ourselves, so it says nothing about the receiver
 */
export const attemptErrorClasses = [
  'dns',
  'blocked_address',
  'connect',
  'tls',
  'timeout',
  'reset',
  'protocol',
  'response_too_large',
  'invalid_request',
  'aborted',
] as const;
export type AttemptErrorClass = (typeof attemptErrorClasses)[number];

export interface AttemptOutcome {
  /** Of an answer that came to its end or to the limit of what is read: 200 and then silence is no 200. */
  readonly statusCode: number | null;
  readonly errorClass: AttemptErrorClass | null;
  readonly durationMs: number;
  /** The beginning of the answer's body, as text that Postgres can hold; null where there is none to show. */
  readonly responseBody: string | null;
  readonly retryAfterSeconds: number | null;
  /** As they were sent, the signature included. */
  readonly requestHeaders: Readonly<Record<string, string>>;
}

/** 2xx and nothing else: a redirect is not followed, so it delivered nothing. */
export function isSuccess({ statusCode }: Pick<AttemptOutcome, 'statusCode'>): boolean {
  return statusCode !== null && statusCode >= 200 && statusCode <= 299;
}
