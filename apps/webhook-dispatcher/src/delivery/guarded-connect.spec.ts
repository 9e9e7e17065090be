import { createHook } from 'node:async_hooks';
import { blockedHosts } from '../../../../test/support/blocked-hosts.js';
import { answering, httpAnswer, RawReceiver } from '../../../../test/support/raw-receiver.js';
import { selfSigned } from '../../../../test/support/self-signed.js';
import { AddressGuard } from './address-guard.js';
import type { AttemptOutcome } from './attempt-outcome.js';
import { newEndpointSecret } from './secrets.js';
import { Sender, type SenderSettings } from './sender.js';

/** To these tests 127.0.0.1 is the public internet, and everything else of loopback is inside. */
const guard = new AddressGuard(['127.0.0.1/32']);
const rules = { allowHttp: true, guard };
const secrets = [newEndpointSecret()];
const message = { id: 'evt_1', body: '{}' };

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function receive(...args: Parameters<typeof RawReceiver.start>): Promise<RawReceiver> {
  const receiver = await RawReceiver.start(...args);
  stops.push(() => receiver.stop());
  return receiver;
}

function sending(settings: Partial<SenderSettings> = {}): (url: string) => Promise<AttemptOutcome> {
  const sender = new Sender({ rules, ...settings });
  stops.unshift(() => sender.stop(0));
  return (url) =>
    sender.send({ endpointId: url, url, headers: {}, legacySignatureHeader: null, secrets }, message);
}

/** Counts what really goes to the system's connect, below Node's own sockets. */
async function tcpConnectsOf<Result>(act: () => Promise<Result>): Promise<[Result, number]> {
  let connects = 0;
  const hook = createHook({
    init: (_id, type) => {
      if (type === 'TCPCONNECTWRAP') connects++;
    },
  }).enable();
  try {
    return [await act(), connects];
  } finally {
    hook.disable();
  }
}

const ok = answering(httpAnswer(200, 'ok'));

describe('what is connected to', () => {
  it('is seen by these tests at the level of the system', async () => {
    const receiver = await receive(ok);
    const [outcome, connects] = await tcpConnectsOf(() => sending()(receiver.url()));
    expect(outcome.statusCode).toBe(200);
    expect(connects).toBe(1);
  });

  it('is never a blocked address, however a URL writes it', async () => {
    expect(blockedHosts.length).toBeGreaterThanOrEqual(80);
    const send = sending({ rules: { allowHttp: true, guard: new AddressGuard() } });
    const [outcomes, connects] = await tcpConnectsOf(() =>
      Promise.all(blockedHosts.flatMap((host) => [send(`http://${host}:8080/`), send(`https://${host}/`)])),
    );
    expect(new Set(outcomes.map(({ errorClass }) => errorClass))).toEqual(new Set(['blocked_address']));
    expect(connects).toBe(0);
  });

  it('is never a blocked address, however a name resolves', async () => {
    const literals = ['127.0.0.2', '10.0.0.1', '169.254.169.254', '::1', '::ffff:127.0.0.1', 'fd00:ec2::254'];
    for (const addresses of [
      ...literals.map((literal) => [literal]),
      literals,
      ['fe80::1%lo'],
      ['nonsense'],
    ]) {
      const send = sending({ resolve: async () => addresses });
      const [outcome, connects] = await tcpConnectsOf(() => send('http://inside.example:8080/'));
      expect(outcome).toMatchObject({ statusCode: null, errorClass: 'blocked_address' });
      expect(connects).toBe(0);
    }
  });

  it('is the allowed one of several addresses', async () => {
    const inside = await receive(ok, { host: '127.0.0.2' });
    const outside = await receive(ok);
    const send = sending({ resolve: async () => ['127.0.0.2', '10.0.0.1', '127.0.0.1', '::1'] });
    expect((await send(`http://mixed.example:${outside.port}/`)).statusCode).toBe(200);
    expect(inside.opened).toBe(0);
  });

  it('is not what a name resolves to when it is asked again', async () => {
    const outside = await receive(ok);
    let asked = 0;
    const resolve = async () => [asked++ === 0 ? '127.0.0.1' : '127.0.0.2'];
    const [outcome, connects] = await tcpConnectsOf(() =>
      sending({ resolve })(`http://rebinding.example:${outside.port}/`),
    );
    expect(outcome.statusCode).toBe(200);
    expect([asked, connects, outside.opened]).toEqual([1, 1, 1]);
    const [later, laterConnects] = await tcpConnectsOf(() =>
      sending({ resolve })(`http://rebinding.example:${outside.port}/`),
    );
    expect(later.errorClass).toBe('blocked_address');
    expect(laterConnects).toBe(0);
  });

  it('is not where a redirect points', async () => {
    const inside = await receive(ok, { host: '127.0.0.2' });
    const locations = [inside.url('/latest/meta-data/'), 'http://169.254.169.254/', '//127.0.0.2/', '/'];
    for (const location of locations) {
      const receiver = await receive(answering(httpAnswer(302, '', `location: ${location}`)));
      const [outcome, connects] = await tcpConnectsOf(() => sending()(receiver.url()));
      expect(outcome).toMatchObject({ statusCode: 302, errorClass: null });
      expect(connects).toBe(1);
    }
    expect(inside.opened).toBe(0);
  });

  it('is looked at once more before a byte is sent', async () => {
    let received = 0;
    const receiver = await receive((socket) => socket.on('data', () => received++));
    let asked = 0;
    const changing = { refusalOf: () => (asked++ === 0 ? null : 'it is somewhere else') };
    const outcome = await sending({ rules: { allowHttp: true, guard: changing } })(receiver.url());
    expect(outcome).toMatchObject({ statusCode: null, errorClass: 'blocked_address' });
    expect([asked, received]).toEqual([2, 0]);
  });

  it('is nothing for a name without address', async () => {
    const fail = async () => {
      throw Object.assign(new Error('queryA ENOTFOUND'), { code: 'ENOTFOUND' });
    };
    expect(await sending({ resolve: fail })('http://nowhere.example:8080/')).toMatchObject({
      errorClass: 'dns',
    });
    const resolve = async () => [];
    expect(await sending({ resolve })('http://nowhere.example:8080/')).toMatchObject({ errorClass: 'dns' });
  });

  it('is given up after its limit while a name server is silent', async () => {
    const send = sending({ resolve: () => new Promise(() => undefined), limits: { connectMs: 100 } });
    const outcome = await send('http://silent.example:8080/');
    expect(outcome).toMatchObject({ statusCode: null, errorClass: 'timeout' });
    expect(outcome.durationMs).toBeLessThan(10_000);
  });

  it('is called refused where nobody listens, and is tried anew each time', async () => {
    const receiver = await receive(ok);
    const url = receiver.url();
    await receiver.stop();
    stops.length = 0;
    const send = sending();
    for (let at = 0; at < 5; at++) expect(await send(url)).toMatchObject({ errorClass: 'connect' });
  });
});

describe('TLS', () => {
  const trusting = { trustedCertificates: [selfSigned.cert] };

  it('is spoken with a certificate for the name or the address', async () => {
    const receiver = await receive(ok, { tls: selfSigned });
    const send = sending({ ...trusting, resolve: async () => ['127.0.0.1'] });
    for (const host of ['receiver.example', '127.0.0.1']) {
      expect(await send(`https://${host}:${receiver.port}/`)).toMatchObject({
        statusCode: 200,
        errorClass: null,
        responseBody: 'ok',
      });
    }
  });

  it.each([
    ['nobody vouches for', {}, 'receiver.example'],
    ['is for another name', trusting, 'other.example'],
    ['is for another name, though the name before it was right', trusting, 'other.example'],
  ])('is refused, and nothing sent, with a certificate that %s', async (_name, settings, host) => {
    let received = 0;
    const receiver = await receive((socket) => socket.on('data', () => received++), { tls: selfSigned });
    const send = sending({ ...settings, resolve: async () => ['127.0.0.1'] });
    for (let at = 0; at < 3; at++) {
      expect(await send(`https://${host}:${receiver.port}/`)).toMatchObject({
        statusCode: null,
        errorClass: 'tls',
      });
    }
    expect(received).toBe(0);
  });

  it('is needed: a receiver that speaks plain HTTP, or hangs up, is none', async () => {
    for (const text of ['HTTP/1.1 400 Bad Request\r\n\r\n', '']) {
      const receiver = await receive((socket) => socket.end(text));
      expect(await sending()(receiver.url().replace('http:', 'https:'))).toMatchObject({
        statusCode: null,
        errorClass: 'tls',
      });
    }
  });

  it('that is never answered ends with the limit for connecting', async () => {
    const receiver = await receive((socket) => socket.resume());
    const outcome = await sending({ limits: { connectMs: 150 } })(receiver.url().replace('http:', 'https:'));
    expect(outcome).toMatchObject({ statusCode: null, errorClass: 'timeout' });
    expect(outcome.durationMs).toBeLessThan(10_000);
  });

  it('leaves no connection open when it is given up', async () => {
    const receiver = await receive(ok, { tls: selfSigned });
    const sender = new Sender({ rules, ...trusting });
    const target = {
      endpointId: '1',
      url: receiver.url(),
      headers: {},
      legacySignatureHeader: null,
      secrets,
    };
    expect((await sender.send(target, message)).statusCode).toBe(200);
    expect(receiver.open.size).toBe(1);
    await sender.stop();
    for (let at = 0; receiver.open.size > 0 && at < 1_000; at++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(receiver.open.size).toBe(0);
  });
});
