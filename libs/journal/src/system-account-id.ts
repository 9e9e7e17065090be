import { hash as digest } from 'node:crypto';
import type { SystemAccountName } from '#domain';

/** A UUIDv8 (RFC 9562, 5.8) made from the ledger, the name and the currency: the same wherever it is asked. */
export function systemAccountId(ledgerId: string, name: SystemAccountName, currency: string): string {
  const bytes = digest(
    'sha256',
    `ledger/system-account/v1:${ledgerId}:${name}:${currency}`,
    'buffer',
  ).subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
