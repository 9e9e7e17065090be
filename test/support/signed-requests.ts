import { randomBytes } from 'node:crypto';
import { signatureHeaders } from '../../apps/webhook-dispatcher/src/delivery/signature.js';

const newSecret = () => `whsec_${randomBytes(32).toString('base64')}`;
export const [secret, otherSecret] = [newSecret(), newSecret()];
export const signedBody = JSON.stringify({
  version: 1,
  id: 'evt_01kaj7m1qhe2xs3c5f8n0p4r6t',
  type: 'transaction.posted',
  ledgerId: 'ldg_01kaj7kz4wf9gr6v2x8m3b5c7d',
  epoch: 1,
  position: '17',
  occurredAt: '2026-11-21T12:38:10.204518Z',
  data: { amount: '250', reference: 'Café crème, “für später” 🥐' },
});

export interface SignedRequest {
  readonly secret: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** As the dispatcher signs it. */
export function signedRequest({
  secrets = [secret],
  id = 'evt_01kaj7m1qhe2xs3c5f8n0p4r6t',
  ageSeconds = 0,
  text = signedBody,
}: { secrets?: string[]; id?: string; ageSeconds?: number; text?: string } = {}): SignedRequest {
  const timestampSeconds = Math.floor(Date.now() / 1000) - ageSeconds;
  const headers = signatureHeaders({ id, timestampSeconds, body: Buffer.from(text) }, secrets);
  return { secret, headers, body: text };
}

const without = (request: SignedRequest, header: string): SignedRequest => ({
  ...request,
  headers: Object.fromEntries(Object.entries(request.headers).filter(([name]) => name !== header)),
});

const withHeader = (request: SignedRequest, header: string, value: string): SignedRequest => ({
  ...request,
  headers: { ...request.headers, [header]: value },
});

/** Each request, and whether a receiver may trust it. */
export const signedRequests = (): readonly (readonly [
  name: string,
  request: SignedRequest,
  isTrusted: boolean,
])[] => [
  ['as it was sent', signedRequest(), true],
  ['four minutes old', signedRequest({ ageSeconds: 240 }), true],
  [
    'signed with the new and the old secret, read with the new',
    signedRequest({ secrets: [secret, otherSecret] }),
    true,
  ],
  [
    'signed with the new and the old secret, read with the old',
    signedRequest({ secrets: [otherSecret, secret] }),
    true,
  ],
  ['beside a signature of a later version', withV2(signedRequest()), true],
  ['an altered body', { ...signedRequest(), body: signedBody.replace('250', '950') }, false],
  ['one more blank at the end', { ...signedRequest(), body: `${signedBody} ` }, false],
  ['another id', withHeader(signedRequest(), 'webhook-id', 'evt_01kaj7m1qhe2xs3c5f8n0p4r6v'), false],
  [
    'a fresher timestamp than was signed',
    withHeader(signedRequest({ ageSeconds: 9 }), 'webhook-timestamp', String(Math.floor(Date.now() / 1000))),
    false,
  ],
  ['an old timestamp', signedRequest({ ageSeconds: 600 }), false],
  ['a timestamp in the future', signedRequest({ ageSeconds: -600 }), false],
  ['a timestamp that is none', withHeader(signedRequest(), 'webhook-timestamp', 'soon'), false],
  ['signed with another secret', signedRequest({ secrets: [otherSecret] }), false],
  [
    'a right signature under another version',
    withHeader(
      signedRequest(),
      'webhook-signature',
      signedRequest().headers['webhook-signature']!.replace('v1,', 'v2,'),
    ),
    false,
  ],
  ['no signature', without(signedRequest(), 'webhook-signature'), false],
  ['no id', without(signedRequest(), 'webhook-id'), false],
  ['no timestamp', without(signedRequest(), 'webhook-timestamp'), false],
];

function withV2(request: SignedRequest): SignedRequest {
  const signature = request.headers['webhook-signature'] ?? '';
  return withHeader(request, 'webhook-signature', `v2,${randomBytes(32).toString('base64')} ${signature}`);
}
