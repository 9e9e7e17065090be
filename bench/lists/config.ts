export interface ListsBenchSettings {
  /** A migrated, empty database, as its owner; where absent, one in a Postgres made for this run. */
  readonly databaseUrl: string | undefined;
  readonly transactions: number;
  readonly accounts: number;
  /** How often each page is asked for. */
  readonly samples: number;
}

export function readListsBenchSettings(environment: NodeJS.ProcessEnv = process.env): ListsBenchSettings {
  return {
    databaseUrl: environment['DATABASE_URL'] || undefined,
    transactions: positive(environment, 'BENCH_TRANSACTIONS', 1_000_000),
    accounts: positive(environment, 'BENCH_ACCOUNTS', 10_000),
    samples: positive(environment, 'BENCH_SAMPLES', 60),
  };
}

function positive(environment: NodeJS.ProcessEnv, name: string, absent: number): number {
  const value = Number(environment[name] ?? absent);
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`${name} must be a whole number above zero`);
  return value;
}
