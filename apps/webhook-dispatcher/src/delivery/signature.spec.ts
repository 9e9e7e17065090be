import { createHmac } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { newEndpointSecret } from './secrets.js';
import { legacySignature, signatureHeaders } from './signature.js';

const id = 'evt_01jd3nz6e8f5ravqk9x1c7hb2m';
const bodies = [
  ['plain', '{"version":1,"type":"transaction.posted"}'],
  ['unicode', '{"description":"Müller & Söhne – 株式会社 🏦 \\ud83c"}'],
  ['a body with dots and line ends', '{"a":"1.2.3",\r\n"b":"."}'],
] as const;

describe('the signature', () => {
  it.each(bodies)('is what standardwebhooks verifies: %s', (_name, text) => {
    const secret = newEndpointSecret();
    const body = Buffer.from(text);
    const headers = signatureHeaders({ id, timestampSeconds: Math.floor(Date.now() / 1_000), body }, [
      secret,
    ]);
    expect(headers['webhook-id']).toBe(id);
    expect(headers['webhook-signature']).toMatch(/^v1,[A-Za-z0-9+/]{43}=$/);
    expect(new Webhook(secret).verify(text, headers)).toEqual(JSON.parse(text));
  });

  it('is verified with each of two secrets during a rotation, and with no other', () => {
    const [newest, oldest] = [newEndpointSecret(), newEndpointSecret()];
    const body = Buffer.from(bodies[1][1]);
    const timestampSeconds = Math.floor(Date.now() / 1_000);
    const headers = signatureHeaders({ id, timestampSeconds, body }, [newest, oldest]);
    expect(headers['webhook-signature'].split(' ')).toHaveLength(2);
    for (const secret of [newest, oldest]) {
      expect(new Webhook(secret).verify(bodies[1][1], headers)).toEqual(JSON.parse(bodies[1][1]));
    }
    expect(() => new Webhook(newEndpointSecret()).verify(bodies[1][1], headers)).toThrow(/No matching/);
  });

  it('covers id, timestamp and body', () => {
    const secret = newEndpointSecret();
    const message = { id, timestampSeconds: Math.floor(Date.now() / 1_000), body: Buffer.from('{"a":1}') };
    const headers = signatureHeaders(message, [secret]);
    const webhook = new Webhook(secret);
    expect(() => webhook.verify('{"a":2}', headers)).toThrow();
    expect(() => webhook.verify('{"a":1}', { ...headers, 'webhook-id': 'evt_other' })).toThrow();
    const later = String(message.timestampSeconds + 1);
    expect(() => webhook.verify('{"a":1}', { ...headers, 'webhook-timestamp': later })).toThrow();
  });

  it('is the one of the example in the specification', () => {
    const message = {
      id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      timestampSeconds: 1614265330,
      body: Buffer.from('{"test": 2432232314}'),
    };
    expect(signatureHeaders(message, ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'])).toEqual({
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    });
  });

  it('has a plain form, keyed with the whole text of the secret', () => {
    const secret = newEndpointSecret();
    const body = Buffer.from('{"name":"Größe"}');
    const expected = createHmac('sha256', secret).update('{"name":"Größe"}', 'utf8').digest('hex');
    expect(legacySignature(body, secret)).toBe(`sha256=${expected}`);
  });
});
