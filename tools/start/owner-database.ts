import { withEmbeddedPostgres } from './with-embedded-postgres.js';

export interface OwnerDatabaseSettings {
  /** Absent: the embedded Postgres of the data directory. */
  readonly ownerUrl: string | undefined;
  readonly dataDirectory: string;
}

/** Does a tool's work as the owner of the database: the one that is named, or the embedded one. */
export async function atOwnerDatabase<T>(
  { ownerUrl, dataDirectory }: OwnerDatabaseSettings,
  work: (ownerUrl: string) => Promise<T>,
): Promise<T> {
  if (ownerUrl !== undefined) return await work(ownerUrl);
  return await withEmbeddedPostgres(dataDirectory, (postgres) => work(postgres.ownerUrl));
}
