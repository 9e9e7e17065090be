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

  const loopbackSpellings = [
    '127.0.0.1',
    '127.1',
    '127.0.1',
    '127.0.0.1.',
    '2130706433',
    '0x7f000001',
    '0x7f.0.0.1',
    '0x7f.1',
    '0X7F.0x0.0x0.0x1',
    '017700000001',
    '0177.0.0.1',
    '0177.1',
    '0177.0.0.01',
    '0x7f.0.1',
    '127.0.0.0x1',
    '１２７.０.０.１',
    '127。0。0。1',
    '①②⑦.⓪.⓪.①',
    '%31%32%37.0.0.1',
    '[::1]',
    '[0:0:0:0:0:0:0:1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[0:0:0:0:0:ffff:7f00:0001]',
    '[::127.0.0.1]',
    '[64:ff9b::127.0.0.1]',
    '[64:ff9b:1::7f00:1]',
    '[2002:7f00:1::]',
    '[::ffff:0:127.0.0.1]',
    'localhost',
    'LOCALHOST',
    'localhost.',
    'api.localhost',
    'ｌｏｃａｌｈｏｓｔ',
    '0',
    '0.0.0.0',
    '0x0',
    '00',
    '[::]',
    '[::0.0.0.0]',
  ];
  const otherLiterals = [
    '10.0.0.1',
    '10.1',
    '167772161',
    '0xa000001',
    '012.0.0.1',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '3232235777',
    '0xc0a80101',
    '169.254.169.254',
    '2852039166',
    '0xa9fea9fe',
    '0xa9.0xfe.0xa9.0xfe',
    '0251.0376.0251.0376',
    '169.254.43518',
    '１６９.２５４.１６９.２５４',
    '[::ffff:169.254.169.254]',
    '[::ffff:a9fe:a9fe]',
    '[64:ff9b::a9fe:a9fe]',
    '[2002:a9fe:a9fe::]',
    '[2001:0:a9fe:a9fe::1]',
    '[fd00:ec2::254]',
    '100.64.0.1',
    '100.127.255.255',
    '192.0.0.192',
    '192.0.2.1',
    '192.88.99.1',
    '198.18.0.1',
    '198.19.255.255',
    '198.51.100.1',
    '203.0.113.1',
    '224.0.0.1',
    '239.255.255.255',
    '240.0.0.1',
    '255.255.255.255',
    '4294967295',
    '[fe80::1]',
    '[febf::1]',
    '[fec0::1]',
    '[fc00::1]',
    '[fdff::1]',
    '[ff02::1]',
    '[2001:db8::1]',
    '[3fff::1]',
    '[100::1]',
    '[5f00::1]',
    '[4000::1]',
    '[::ffff:8.8.8.8]',
  ];

  it.each([...loopbackSpellings, ...otherLiterals])('may not point to %s', (host) => {
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
