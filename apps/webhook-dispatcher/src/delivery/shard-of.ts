import { createHash } from 'node:crypto';

export const shardCount = 64;

/** The part of the endpoints that this one is worked with, whoever holds it. Never changes. */
export function shardOf(endpointId: string): number {
  const digest = createHash('sha256').update(endpointId).digest('hex');
  return Number.parseInt(digest.slice(0, 8), 16) % shardCount;
}
