import type pg from 'pg';
import { mayAskFor, type Reader } from '#contracts';
import type { Account } from '#domain';
import { systemAccountId } from '#journal';
import { effectiveSumSql, recordedSumSql } from '../projections/backdating.js';
import { listsProjection } from '../projections/lists-projection.js';
import { findPositionBounds } from '../projections/position-bounds.js';
import type { AccountSelector } from './get-account.js';

/** Which time of an event counts: when it was recorded, or when it took effect. */
export type TimeBasis = 'recorded' | 'effective';

/** An account's balances at some times, all of one state of the lists. */
export interface BalancesAt {
  readonly account: Pick<Account, 'id' | 'system' | 'currency'>;
  /** How far the lists had come: of what was recorded after it nothing counts. */
  readonly checkpoint: bigint;
  /** In the order of the times; `position` is the last one recorded by then, 0 where there was none. */
  readonly balances: readonly { readonly position: bigint; readonly posted: bigint }[];
}

/**
 * Reads an account's balances as of times in microseconds since 1970, each included. Null: there is no such
 * account, or none whose money the reader may ask for. What changes as more is recorded, the sums by effective time,
 * is read with the checkpoint in one statement; up to the checkpoint the rest stays as it is, and is read after it.
 */
export async function readBalancesAt(
  db: Pick<pg.Pool, 'query'>,
  ledgerId: string,
  selector: AccountSelector,
  times: readonly bigint[],
  by: TimeBasis,
  reader: Reader,
): Promise<BalancesAt | null> {
  const snapshot = await readSnapshot(db, ledgerId, selector, by === 'effective' ? times : []);
  if (!snapshot || !mayAskFor(snapshot.account, 'money', reader)) return null;
  const { account, checkpoint, effectiveSums } = snapshot;
  const positions: bigint[] = [];
  for (const lte of times) {
    const { before } = await findPositionBounds(db, ledgerId, { lte });
    const last = (before ?? 1n) - 1n;
    positions.push(last < checkpoint ? last : checkpoint);
  }
  const recorded = await readRecorded(db, ledgerId, account.id, positions);
  const balances = positions.map((position, index) => {
    const { posted, backdated } = recorded[index]!;
    const effective = effectiveSums[index];
    return { position, posted: effective === undefined ? posted : posted + effective - backdated };
  });
  return { account, checkpoint, balances };
}

type FoundAccount = Pick<Account, 'id' | 'system' | 'currency' | 'ownerId' | 'visibility'>;

interface Snapshot {
  readonly account: FoundAccount;
  readonly checkpoint: bigint;
  readonly effectiveSums: readonly bigint[];
}

async function readSnapshot(
  db: Pick<pg.Pool, 'query'>,
  ledgerId: string,
  selector: AccountSelector,
  times: readonly bigint[],
): Promise<Snapshot | null> {
  const isSystem = 'system' in selector;
  const id = isSystem ? systemAccountId(ledgerId, selector.system, selector.currency) : selector.id;
  const { rows } = await db.query<FoundAccount & { checkpoint: string; sums: string[] }>({
    name: 'balances-snapshot',
    text: `SELECT a.id, a.system, a.currency, a.owner_id AS "ownerId", a.visibility,
        coalesce(c.position, 0)::text AS checkpoint,
        ARRAY(SELECT ${effectiveSumSql('$2', 't.micros')}::text
          FROM unnest($4::bigint[]) WITH ORDINALITY AS t(micros, n) ORDER BY t.n) AS sums
      FROM ledger.accounts a
      LEFT JOIN projections.checkpoints c ON c.ledger_id = $1 AND c.projection = '${listsProjection.name}'
      WHERE a.ledger_id = $1 AND a.id = $2 AND (a.system IS NOT NULL) = $3`,
    values: [ledgerId, id, isSystem, times],
  });
  const [row] = rows;
  if (!row) return null;
  const { checkpoint, sums, ...account } = row;
  return { account, checkpoint: BigInt(checkpoint), effectiveSums: sums.map(BigInt) };
}

/** What had been recorded by a position: all of it, and the back-dated part. */
async function readRecorded(
  db: Pick<pg.Pool, 'query'>,
  ledgerId: string,
  accountId: string,
  positions: readonly bigint[],
): Promise<readonly { readonly posted: bigint; readonly backdated: bigint }[]> {
  const { rows } = await db.query<{ posted: string; backdated: string }>({
    name: 'balances-recorded',
    text: `SELECT coalesce((SELECT e.balance_after FROM projections.entries e
          WHERE e.ledger_id = $1 AND e.account_id = $2 AND e.position <= p.position
          ORDER BY e.position DESC, e.leg DESC LIMIT 1), 0)::text AS posted,
        ${recordedSumSql('$2', 'p.position')}::text AS backdated
      FROM unnest($3::bigint[]) WITH ORDINALITY AS p(position, n) ORDER BY p.n`,
    values: [ledgerId, accountId, positions],
  });
  return rows.map(({ posted, backdated }) => ({ posted: BigInt(posted), backdated: BigInt(backdated) }));
}
