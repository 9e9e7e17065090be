import { answering, httpAnswer, RawReceiver } from '../../../../test/support/raw-receiver.js';
import { NameServer, type Zone } from '../../../../test/support/name-server.js';
import { AddressGuard } from './address-guard.js';
import { NameResolver } from './resolve-name.js';
import { newEndpointSecret } from './secrets.js';
import { Sender } from './sender.js';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function serving(zone: Zone): Promise<NameServer> {
  const server = await NameServer.start(zone);
  stops.push(() => server.stop());
  return server;
}

function resolverOf(server: NameServer): (hostname: string) => Promise<readonly string[]> {
  const names = new NameResolver([server.address]);
  stops.unshift(async () => names.stop());
  return (hostname) => names.resolve(hostname);
}

describe('the addresses of a name', () => {
  it('are those of both families, of which it needs one', async () => {
    const server = await serving({
      'both.example.com': ['192.0.2.1', '192.0.2.2', '2001:db8::1'],
      'four.example.com': ['192.0.2.1'],
      'six.example.com': ['2001:db8::1'],
      'none.example.com': [],
    });
    const resolve = resolverOf(server);
    expect([...(await resolve('both.example.com'))].sort()).toEqual([
      '192.0.2.1',
      '192.0.2.2',
      '2001:db8::1',
    ]);
    expect(await resolve('four.example.com')).toEqual(['192.0.2.1']);
    expect(await resolve('FOUR.example.com.')).toEqual(['192.0.2.1']);
    expect(await resolve('six.example.com')).toEqual(['2001:db8::1']);
    await expect(resolve('none.example.com')).rejects.toThrow();
    await expect(resolve('nowhere.example.com')).rejects.toThrow();
  });

  it('are loopback for the names that mean it, and nobody is asked', async () => {
    const server = await serving({});
    const resolve = resolverOf(server);
    for (const name of ['localhost', 'hooks.localhost', 'LOCALHOST.']) {
      expect(await resolve(name)).toEqual(['127.0.0.1', '::1']);
    }
    expect(server.asked).toEqual([]);
  });
});

describe('a delivery by name', () => {
  const secrets = [newEndpointSecret()];
  const send = (sender: Sender, url: string) =>
    sender.send(
      { endpointId: url, url, headers: {}, legacySignatureHeader: null, secrets },
      { id: 'evt_1', body: '{}' },
    );

  it('is held up by no other name whose servers are silent', async () => {
    const silent = Array.from({ length: 50 }, (_, at) => `silent${at}.example.com`);
    const server = await serving({
      'healthy.example.com': ['127.0.0.1'],
      ...Object.fromEntries(silent.map((name) => [name, 'silent' as const])),
    });
    const receiver = await RawReceiver.start(answering(httpAnswer(200)));
    const rules = { allowHttp: true, guard: new AddressGuard(['127.0.0.1/32']) };
    const sender = new Sender({ rules, resolve: resolverOf(server) });
    stops.unshift(
      () => sender.stop(0),
      () => receiver.stop(),
    );
    const hanging = silent.map((name) => send(sender, `http://${name}:${receiver.port}/`));
    expect((await send(sender, `http://healthy.example.com:${receiver.port}/`)).statusCode).toBe(200);
    await sender.stop(0);
    for (const { statusCode } of await Promise.all(hanging)) expect(statusCode).toBeNull();
  });

  it('goes to no blocked address that a name server gives out', async () => {
    const server = await serving({ 'metadata.example.com': ['169.254.169.254', 'fd00:ec2::254'] });
    const sender = new Sender({
      rules: { allowHttp: true, guard: new AddressGuard() },
      resolve: resolverOf(server),
    });
    stops.unshift(() => sender.stop(0));
    expect(await send(sender, 'http://metadata.example.com:8080/')).toMatchObject({
      statusCode: null,
      errorClass: 'blocked_address',
    });
  });
});
