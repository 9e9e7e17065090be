import { randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';

const poolBytes = 8_192;
let pool = Buffer.alloc(0);

/**
 * Random bytes from the system's generator, drawn for many callers at once: a draw costs some microseconds
 * whatever its length. No byte is given out twice.
 */
export function drawRandomBytes(length: number): Buffer {
  if (pool.length < length) pool = randomFillSync(Buffer.allocUnsafeSlow(Math.max(poolBytes, length)));
  const drawn = pool.subarray(0, length);
  pool = pool.subarray(length);
  return drawn;
}

/** A new UUIDv7 (RFC 9562): in the order of their making, to the millisecond. */
export function newUuid(): string {
  return v7({ rng: () => drawRandomBytes(16) });
}
