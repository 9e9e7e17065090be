import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Range = readonly [Address, number];

/**
 * Where no webhook goes: what IANA has not given out as global unicast, by the names of its special-purpose
 * registries. 6to4, NAT64, Teredo and every mapped form are in it because they carry a second address that
 * this list would not see.
 */
const blockedRanges: readonly (readonly [string, string])[] = [
  ['0.0.0.0/8', 'this network'],
  ['10.0.0.0/8', 'private'],
  ['100.64.0.0/10', 'carrier-grade NAT'],
  ['127.0.0.0/8', 'loopback'],
  ['169.254.0.0/16', 'link-local'],
  ['172.16.0.0/12', 'private'],
  ['192.0.0.0/24', 'protocol assignments'],
  ['192.0.2.0/24', 'documentation'],
  ['192.88.99.0/24', '6to4 relay'],
  ['192.168.0.0/16', 'private'],
  ['198.18.0.0/15', 'benchmark'],
  ['198.51.100.0/24', 'documentation'],
  ['203.0.113.0/24', 'documentation'],
  ['224.0.0.0/4', 'multicast'],
  ['240.0.0.0/4', 'reserved'],
  ['::/128', 'unspecified'],
  ['::1/128', 'loopback'],
  ['::/96', 'IPv4-compatible'],
  ['::ffff:0:0/96', 'IPv4-mapped'],
  ['::ffff:0:0:0/96', 'IPv4-translated'],
  ['64:ff9b::/96', 'NAT64'],
  ['64:ff9b:1::/48', 'NAT64'],
  ['100::/64', 'discard-only'],
  ['2001::/23', 'protocol assignments'],
  ['2001:db8::/32', 'documentation'],
  ['2002::/16', '6to4'],
  ['3fff::/20', 'documentation'],
  ['5f00::/16', 'segment routing'],
  ['fc00::/7', 'private'],
  ['fe80::/10', 'link-local'],
  ['fec0::/10', 'site-local'],
  ['ff00::/8', 'multicast'],
];
const blocked = blockedRanges.map(([cidr, name]) => ({ range: ipaddr.parseCIDR(cidr), name }));
/** All that is given out of IPv6 so far. */
const globalUnicast: Range = ipaddr.parseCIDR('2000::/3');

/** Decides which addresses a webhook may be sent to. Ranges that are allowed by name win over the list above. */
export class AddressGuard {
  private readonly allowed: readonly Range[];

  /** Throws where a range is none: `10.1.0.0/16`, `fd00::/8`. */
  constructor(allowedRanges: readonly string[] = []) {
    this.allowed = allowedRanges.map(rangeOf);
  }

  /** Why nothing may be sent to this literal address, or null where it may. What can't be read is refused. */
  refusalOf(literal: string): string | null {
    if (!ipaddr.isValid(literal)) return 'it is not an address';
    const address = ipaddr.parse(literal);
    // A zone chooses an interface of this machine, whatever the address.
    if (address instanceof ipaddr.IPv6 && address.zoneId) return 'it names an interface of this machine';
    if (this.allowed.some((range) => isWithin(address, range))) return null;
    const found = blocked.find(({ range }) => isWithin(address, range));
    if (found) return `it is a ${found.name} address`;
    if (address.kind() === 'ipv6' && !isWithin(address, globalUnicast)) return 'it is a reserved address';
    return null;
  }
}

function rangeOf(cidr: string): Range {
  if (!ipaddr.isValidCIDR(cidr)) throw new Error(`${JSON.stringify(cidr)} is not a range of addresses`);
  return ipaddr.parseCIDR(cidr);
}

function isWithin(address: Address, [network, prefixBits]: Range): boolean {
  return address.kind() === network.kind() && address.match(network, prefixBits);
}
