import { createHmac, timingSafeEqual } from 'node:crypto';

/** What a signature covers, each part as it was sent. */
export interface SignedParts {
  /** Unix seconds. */
  readonly timestamp: string;
  readonly requestId: string;
  readonly method: string;
  /** With its query. */
  readonly path: string;
  /** Empty where there is none. */
  readonly idempotencyKey: string;
  readonly body: Buffer;
}

const hexOfSha256 = /^[0-9a-f]{64}$/;

export function signatureOf(parts: SignedParts, secret: string): Buffer {
  // Node gives URLs and headers as Latin-1, one character per byte: so they are signed as they were on the wire.
  return createHmac('sha256', Buffer.from(secret, 'utf8'))
    .update(headOf(parts), 'latin1')
    .update(parts.body)
    .digest();
}

/** Takes as long whichever of the secrets it is, and wherever a wrong signature differs from the right one. */
export function isSignedWithOne(parts: SignedParts, signature: string, secrets: readonly string[]): boolean {
  if (!hexOfSha256.test(signature) || !isUnambiguous(parts)) return false;
  const sent = Buffer.from(signature, 'hex');
  return secrets.filter((secret) => timingSafeEqual(signatureOf(parts, secret), sent)).length > 0;
}

const headOf = ({ timestamp, requestId, method, path, idempotencyKey }: SignedParts) =>
  `${timestamp}.${requestId}.${method}.${path}.${idempotencyKey}.`;

/**
 * The parts are joined by dots, which are in some of them as well: one signature could stand for two requests,
 * such as a query cut off at a dot, with the rest as an Idempotency-Key. What could be read in two ways is
 * refused, which no request that makes sense is. The path begins at the first "./". Only a request that reads
 * may have dots in its path (its query), and then it has nothing behind it. Body and key can't be mistaken for
 * each other: no end of a JSON object behind a dot is one too.
 */
function isUnambiguous({ method, requestId, path, idempotencyKey, body }: SignedParts): boolean {
  if (requestId.includes('./')) return false;
  if (method !== 'GET' && method !== 'HEAD') return !path.includes('.');
  if (body.length > 0) return false;
  return idempotencyKey === '' || !`${path}${idempotencyKey}`.includes('.');
}
