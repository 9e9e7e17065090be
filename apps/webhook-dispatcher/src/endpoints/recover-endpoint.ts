import type pg from 'pg';
import type { Principal } from '#access';
import { validationError } from '#http';
import { inTransaction, parseTimestamp } from '#platform';
import { endpointDisabled, endpointNotFound } from '../http/refusals.js';
import {
  countRecoverable,
  startRecovery,
  type Recovery,
  type RecoveryRange,
} from '../recovery/recover-endpoint.js';
import type { RecoverEndpointBody } from './endpoint-bodies.js';
import { findEndpoint, lockEndpoint } from './find-endpoint.js';

/** How many events a recovery would send again. */
export async function countMissed(
  pool: pg.Pool,
  caller: Principal,
  endpointId: string,
  range: RecoveryRange,
): Promise<number> {
  const endpoint = await findEndpoint(pool, caller, endpointId);
  return await countRecoverable(pool, caller.ledgerId, endpoint, range);
}

/** Begins to send an endpoint what it has missed: a job that goes on without the caller. */
export async function recoverEndpoint(
  pool: pg.Pool,
  caller: Principal,
  endpointId: string,
  range: RecoveryRange,
): Promise<Recovery> {
  return await inTransaction(pool, async (db) => {
    const { status } = await lockEndpoint(db, caller, endpointId);
    if (status === 'disabled') throw endpointDisabled();
    const recovery = await startRecovery(db, caller.ledgerId, endpointId, range);
    if (!recovery) throw endpointNotFound();
    return recovery;
  });
}

export function rangeOf({ since, until, eventTypes }: RecoverEndpointBody, now: Date): RecoveryRange {
  const range = {
    since: dateOf(since),
    until: until === undefined ? now : dateOf(until),
    eventTypes: eventTypes ?? null,
  };
  if (range.since < range.until) return range;
  const [path, message] =
    until === undefined ? ['since', 'must be in the past'] : ['until', 'must be after since'];
  throw validationError([{ path, message }]);
}

function dateOf(text: string): Date {
  return new Date(Number((parseTimestamp(text) ?? 0n) / 1_000n));
}
