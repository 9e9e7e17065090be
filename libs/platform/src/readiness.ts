import type pg from 'pg';

const answerMaxMs = 2_000;

/**
 * Whether this process can serve requests: its database answers and has every migration that this release
 * knows. Work behind the requests that lags or is dead shows in the metrics instead: requests go on without it.
 */
export class Readiness {
  constructor(
    private readonly pool: pg.Pool,
    private readonly migrationNames: readonly string[],
  ) {}

  /** Null when ready, else what is missing. */
  async problem(): Promise<string | null> {
    try {
      const applied = await within(this.appliedMigrations(), answerMaxMs);
      const missing = this.migrationNames.filter((name) => !applied.has(name));
      return missing.length === 0 ? null : `the database lacks migrations: ${missing.join(', ')}`;
    } catch {
      return 'the database does not answer';
    }
  }

  private async appliedMigrations(): Promise<ReadonlySet<string>> {
    const { rows } = await this.pool.query<{ name: string }>('SELECT name FROM public.migrations');
    return new Set(rows.map(({ name }) => name));
  }
}

async function within<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
