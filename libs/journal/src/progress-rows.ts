import type { Progress } from '#domain';
import { microsSql } from '#platform';

/** How far a transaction has come: a row of ledger.transaction_progress, under the alias given, as JSON. */
export function progressSql(alias: string): string {
  return `json_build_object('status', ${alias}.status, 'expires_at', ${microsSql(`${alias}.expires_at`)},
    'captured', ${alias}.captured::text[], 'captures', ${alias}.captures, 'reversed', ${alias}.reversed::text[],
    'reversals', ${alias}.reversals)`;
}

export interface ProgressRow {
  readonly status: Progress['status'];
  readonly expires_at: string | null;
  readonly captured: readonly string[];
  readonly captures: number;
  readonly reversed: readonly string[];
  readonly reversals: readonly string[];
}

export function readProgressRow(row: ProgressRow): Progress {
  return {
    status: row.status,
    expiresAt: row.expires_at === null ? null : BigInt(row.expires_at),
    captured: row.captured.map(BigInt),
    captures: row.captures,
    reversed: row.reversed.map(BigInt),
    reversals: row.reversals,
  };
}
