import { createHmac } from 'node:crypto';

/** What is signed: the body is the very bytes that are sent. */
export interface SignedMessage {
  readonly id: string;
  readonly timestampSeconds: number;
  readonly body: Buffer;
}

const secretPrefix = 'whsec_';

/** The headers of Standard Webhooks 1.0, with one signature for each secret that is active. */
export function signatureHeaders(
  { id, timestampSeconds, body }: SignedMessage,
  secrets: readonly string[],
): Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string> {
  const signedPrefix = `${id}.${timestampSeconds}.`;
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice(secretPrefix.length), 'base64');
    return `v1,${createHmac('sha256', key).update(signedPrefix).update(body).digest('base64')}`;
  });
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestampSeconds),
    'webhook-signature': signatures.join(' '),
  };
}

/** For receivers that know only this form: of the body alone, keyed with the secret's whole text. */
export function legacySignature(body: Buffer, secret: string): string {
  return `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
}
