import pg from 'pg';

export interface PoolSettings {
  readonly url: string;
  readonly applicationName: string;
  readonly connectionsMax: number;
  /** Server settings of each session, by name. */
  readonly session?: Readonly<Record<string, string>>;
  /** A query that has had no answer for this long fails, and its connection is thrown away. */
  readonly queryTimeoutMs?: number;
  /** Statements of one connection are sent without waiting for the answers to those before. */
  readonly pipeline?: boolean;
  readonly onError: (error: Error) => void;
}

/** A Postgres pool whose sessions all have the same settings; an idle connection's death is only reported. */
export function createPostgresPool(settings: PoolSettings): pg.Pool {
  const session = { timezone: 'UTC', ...settings.session };
  // Options in the URL would take the place of ours; joined, ours come last and hold.
  const url = new URL(settings.url);
  const given = url.searchParams.getAll('options');
  url.searchParams.delete('options');
  const options = [...given, ...Object.entries(session).map(([name, value]) => `-c ${name}=${value}`)];
  const pool = new pg.Pool({
    connectionString: url.href,
    application_name: settings.applicationName,
    max: settings.connectionsMax,
    options: options.join(' '),
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    pipeline: settings.pipeline ?? false,
    ...(settings.queryTimeoutMs === undefined ? {} : { query_timeout: settings.queryTimeoutMs }),
  });
  pool.on('error', settings.onError);
  // A connection that dies while it is checked out fails its query as well, which is where that is dealt with.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}
