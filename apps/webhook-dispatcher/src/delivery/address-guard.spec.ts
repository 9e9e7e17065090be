import { AddressGuard } from './address-guard.js';

const guard = new AddressGuard();

/** First and last address of each range, and what stands directly before and after it where that is public. */
const ranges: [first: string, last: string, before: string | null, after: string | null][] = [
  ['0.0.0.0', '0.255.255.255', null, '1.0.0.0'],
  ['10.0.0.0', '10.255.255.255', '9.255.255.255', '11.0.0.0'],
  ['100.64.0.0', '100.127.255.255', '100.63.255.255', '100.128.0.0'],
  ['127.0.0.0', '127.255.255.255', '126.255.255.255', '128.0.0.0'],
  ['169.254.0.0', '169.254.255.255', '169.253.255.255', '169.255.0.0'],
  ['172.16.0.0', '172.31.255.255', '172.15.255.255', '172.32.0.0'],
  ['192.0.0.0', '192.0.0.255', '191.255.255.255', '192.0.1.0'],
  ['192.0.2.0', '192.0.2.255', '192.0.1.255', '192.0.3.0'],
  ['192.88.99.0', '192.88.99.255', '192.88.98.255', '192.88.100.0'],
  ['192.168.0.0', '192.168.255.255', '192.167.255.255', '192.169.0.0'],
  ['198.18.0.0', '198.19.255.255', '198.17.255.255', '198.20.0.0'],
  ['198.51.100.0', '198.51.100.255', '198.51.99.255', '198.51.101.0'],
  ['203.0.113.0', '203.0.113.255', '203.0.112.255', '203.0.114.0'],
  ['224.0.0.0', '239.255.255.255', '223.255.255.255', null],
  ['240.0.0.0', '255.255.255.255', null, null],
  ['::', '::1', null, null],
  ['::ffff:0.0.0.0', '::ffff:255.255.255.255', null, null],
  ['64:ff9b::', '64:ff9b::ffff:ffff', null, null],
  ['64:ff9b:1::', '64:ff9b:1:ffff:ffff:ffff:ffff:ffff', null, null],
  ['100::', '100::ffff:ffff:ffff:ffff', null, null],
  ['2001::', '2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff', '2000:ffff::', '2001:200::'],
  ['2001:db8::', '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff', '2001:db7:ffff::', '2001:db9::'],
  ['2002::', '2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '2001:ffff::', '2003::'],
  ['3fff::', '3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff', '3ffe:ffff::', '3fff:1000::'],
  ['5f00::', '5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff', null, null],
  ['fc00::', 'fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', null, null],
  ['fe80::', 'febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff', null, null],
  ['ff00::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', null, null],
];

describe('the address guard', () => {
  it.each(ranges)('refuses %s to %s', (first, last, before, after) => {
    expect(guard.refusalOf(first)).toMatch(/^it is an? /);
    expect(guard.refusalOf(last)).toMatch(/^it is an? /);
    for (const neighbour of [before, after]) {
      if (neighbour !== null) expect(guard.refusalOf(neighbour)).toBeNull();
    }
  });

  it.each(['8.8.8.8', '93.184.216.34', '2606:4700:4700::1111', '2a00:1450:4001:80b::200e'])(
    'lets %s pass',
    (address) => {
      expect(guard.refusalOf(address)).toBeNull();
    },
  );

  it.each(['', 'example.com', '1.2.3.4.5', '1.2.3.4/8', '::g', '2606:4700::1%eth0', '[::1]', ' 8.8.8.8'])(
    'refuses %j, which names no public address',
    (text) => {
      expect(guard.refusalOf(text)).not.toBeNull();
    },
  );

  it('allows ranges by name, and only those', () => {
    const allowing = new AddressGuard(['10.1.0.0/16', 'fd00:1::/32', '127.0.0.1/32']);
    for (const address of ['10.1.0.0', '10.1.255.255', 'fd00:1::5', '127.0.0.1', '8.8.8.8']) {
      expect(allowing.refusalOf(address)).toBeNull();
    }
    for (const address of ['10.2.0.0', 'fd00:2::5', '127.0.0.2', '::ffff:10.1.0.1', '::ffff:127.0.0.1']) {
      expect(allowing.refusalOf(address)).not.toBeNull();
    }
  });

  it.each(['10.1.0.0', '10.0.0.0/33', 'everything', '', '::/129'])('knows no range %j', (range) => {
    expect(() => new AddressGuard([range])).toThrow('is not a range of addresses');
  });
});
