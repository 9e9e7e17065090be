import { DataSource, type DataSourceOptions, type EntityManager } from 'typeorm';
import { SecretBox } from '#platform';
import { ApiKey, ApiKeySecret, Ledger } from './entities.js';

/** More than strange keys, signing keys and token keys that are looked up can take (see recent-answers.ts). */
const connectionsMax = 8;

/** A statement or a transaction that stands still gives its connection back. */
const sessionLimits = { statement_timeout: 8_000, idle_in_transaction_session_timeout: 3_000 };

export interface AccessDatabaseSettings {
  readonly url: string;
  readonly applicationName: string;
  /** SECRETS_KEY: 32 bytes in base64. */
  readonly secretsKey: string;
}

/** Keys and ledgers have connections of their own. */
export function accessDataSource({ url, applicationName }: AccessDatabaseSettings) {
  return {
    type: 'postgres',
    url,
    entities: [Ledger, ApiKey, ApiKeySecret],
    applicationName,
    poolSize: connectionsMax,
    connectTimeoutMS: 5_000,
    extra: { keepAlive: true, ...sessionLimits },
    installExtensions: false,
    synchronize: false,
    migrationsRun: false,
  } as const satisfies DataSourceOptions;
}

/** A statement's rows; in a transaction where its holder has one. */
export interface Database {
  query<Row>(text: string, values?: unknown[]): Promise<Row[]>;
}

/** Where keys, ledgers and the audit log are kept, and what opens the secrets of keys that sign. */
export class AccessDatabase implements Database {
  readonly secrets: SecretBox;

  constructor(
    private readonly source: DataSource,
    { secretsKey }: Pick<AccessDatabaseSettings, 'secretsKey'>,
  ) {
    this.secrets = new SecretBox(Buffer.from(secretsKey, 'base64'), 'api-key-secret');
  }

  /** For a program that is no Nest application; close() is then its own to call. */
  static async connect(settings: AccessDatabaseSettings): Promise<AccessDatabase> {
    const source = new DataSource(accessDataSource(settings));
    return new AccessDatabase(await source.initialize(), settings);
  }

  query<Row>(text: string, values: unknown[] = []): Promise<Row[]> {
    return rowsOf(this.source, text, values);
  }

  /** All of it is committed, or none. */
  transaction<Result>(work: (db: Database) => Promise<Result>): Promise<Result> {
    return this.source.transaction((manager) =>
      work({ query: (text, values = []) => rowsOf(manager, text, values) }),
    );
  }

  async close(): Promise<void> {
    await this.source.destroy();
  }
}

/** Of an UPDATE or DELETE TypeORM gives the rows with their number behind them. */
async function rowsOf<Row>(
  db: Pick<EntityManager, 'query'>,
  text: string,
  values: unknown[],
): Promise<Row[]> {
  const result = await db.query<Row[] | [Row[], number]>(text, values);
  const isCounted = result.length === 2 && Array.isArray(result[0]) && typeof result[1] === 'number';
  return isCounted ? (result[0] as Row[]) : (result as Row[]);
}
