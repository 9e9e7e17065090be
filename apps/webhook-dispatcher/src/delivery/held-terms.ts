import type pg from 'pg';

/** A shard as it was taken: whoever writes for it names its term. */
export interface ShardTerm {
  readonly shard: number;
  readonly term: number;
}

/**
 * With this a statement that writes names the terms under which it does ($1 and $2), and locks them for its time:
 * where a term is an old one, nothing is changed.
 */
export const heldTerms = `held AS MATERIALIZED (
  SELECT s.shard, s.term FROM dispatcher.shards s
  JOIN unnest($1::smallint[], $2::bigint[]) AS h(shard, term) ON h.shard = s.shard AND h.term = s.term
  ORDER BY s.shard FOR SHARE OF s
)`;

/** The same, for what may be lost with the server: it would only be done once more. */
export const heldTermsLightly = heldTerms.replace(
  'ORDER BY',
  "WHERE set_config('synchronous_commit', 'off', true) IS NOT NULL ORDER BY",
);

export type Queryable = Pick<pg.Pool, 'query'>;

export function termValues(terms: readonly ShardTerm[]): [number[], number[]] {
  const byShard = new Map(terms.map(({ shard, term }) => [shard, term]));
  return [[...byShard.keys()], [...byShard.values()]];
}
