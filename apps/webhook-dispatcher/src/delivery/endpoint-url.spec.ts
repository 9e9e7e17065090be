import { blockedHosts } from '../../../../test/support/blocked-hosts.js';
import { AddressGuard } from './address-guard.js';
import { checkEndpointUrl } from './endpoint-url.js';

const strict = { allowHttp: false, guard: new AddressGuard() };
const local = { allowHttp: true, guard: new AddressGuard(['127.0.0.0/8', '::1/128']) };

describe('an endpoint URL', () => {
  it.each([
    'https://example.com',
    'https://example.com/hooks?tenant=1',
    'https://example.com:443/',
    'https://example.com:80/',
    'https://example.com:1024/',
    'https://example.com:65535/',
    'https://8.8.8.8/',
    'https://[2606:4700:4700::1111]/',
    'https://bücher.example/pfad/ü',
    'https://example.com/a@b',
    'HTTPS://EXAMPLE.COM/',
  ])('may be %s', (url) => {
    expect(checkEndpointUrl(url, strict)).toBeNull();
  });

  it.each([
    ['http://example.com/', /https/],
    ['ftp://example.com/', /https/],
    ['file:///etc/passwd', /https/],
    ['gopher://example.com/', /https/],
    ['javascript:alert(1)', /absolute/],
    ['/hooks', /absolute/],
    ['https:example.com', /absolute/],
    ['https:/example.com', /absolute/],
    ['', /absolute/],
    ['https://', /absolute/],
    ['https://user@example.com/', /user name/],
    ['https://user:secret@example.com/', /user name/],
    ['https://:secret@example.com/', /user name/],
    ['https://example.com:22/', /port/],
    ['https://example.com:0/', /port/],
    ['https://example.com:1023/', /port/],
    ['https://example.com:65536/', /absolute/],
    ['https://example.com/#part', /fragment/],
    ['https://example.com/#', /fragment/],
    [' https://example.com/', /spaces/],
    ['https://example.com/a b', /spaces/],
    ['https://exam\nple.com/', /spaces/],
    ['https://exam\tple.com/', /spaces/],
    ['https:\\\\example.com\\', /backslashes/],
    ['https://example.com\\@127.0.0.1/', /backslashes/],
    ['https://example.com/\0', /spaces/],
    [`https://example.com/${'a'.repeat(2_030)}`, /2048/],
    [`https://example.com/${'ü'.repeat(400)}`, /2048/],
    ['https://example.com%00.internal/', /absolute/],
  ])('may not be %j', (url, reason) => {
    expect(checkEndpointUrl(url, strict)).toMatch(reason);
  });

  it.each(blockedHosts)('may not point to %s', (host) => {
    expect(checkEndpointUrl(`https://${host}/`, strict)).toMatch(/^must not point to /);
    expect(checkEndpointUrl(`https://${host}:8443/hook`, strict)).toMatch(/^must not point to /);
  });

  it.each([
    '256.0.0.1',
    '1.2.3.4.5',
    '0x100000000',
    '[fe80::1%25eth0]',
    '[fe80::1%eth0]',
    '[::1',
    '1.2.3.09',
  ])('is none with the host %s', (host) => {
    expect(checkEndpointUrl(`https://${host}/`, strict)).toBe('must be an absolute URL');
  });

  it('may be http and loopback where that is allowed, and nothing more', () => {
    for (const host of ['localhost', 'hooks.localhost', '127.0.0.1', '127.9', '[::1]', 'example.com']) {
      expect(checkEndpointUrl(`http://${host}:3000/hook`, local)).toBeNull();
    }
    for (const host of ['10.0.0.1', '169.254.169.254', '[::ffff:127.0.0.1]', '0.0.0.0']) {
      expect(checkEndpointUrl(`http://${host}:3000/hook`, local)).toMatch(/^must not point to /);
    }
    expect(checkEndpointUrl('ftp://127.0.0.1/', local)).toBe('must begin with https:// or http://');
    expect(checkEndpointUrl('http://127.0.0.1:25/', local)).toMatch(/port/);
  });
});
