import pg from 'pg';
import { findFreePort } from '../../tools/start/free-port.js';
import { Client } from './client.js';
import { createTestDatabase, type TestDatabase } from './database.js';
import { faultRun } from './fault-run.js';
import { startTestBroker, type TestBroker } from './kafka.js';
import { BOOTSTRAP_API_KEY, startDispatcher, startProduct, type Product } from './product.js';
import { ReceiverLog, type ReceivedLog, type ReceiverLogOptions } from './receiver-log.js';
import { createEndpoint } from './webhook-fixtures.js';

export interface FleetOptions {
  /** Postgres of its own, to be crashed. */
  readonly ownCluster?: boolean;
  /** Of that Postgres, in place of the usual ones. */
  readonly settings?: Readonly<Record<string, string>>;
  /** `api` is the ledger without its workers, which the test starts, or all of it. */
  readonly isSplit?: boolean;
  /** Its name; absent: `api`. */
  readonly firstApi?: string;
  /** Absent: as the run was asked for. */
  readonly withKafka?: boolean;
  /** Of a proxy in front of the broker. */
  readonly kafkaProxyPort?: number;
  readonly receiver?: ReceiverLogOptions;
  /** Absent: one of its own, of this release. The fleet drops it in any case. */
  readonly database?: TestDatabase;
  /** How `api` is first started. */
  readonly first?: MemberOptions;
  /** What a member is started with each time, unless it is told otherwise. */
  readonly memberOptions?: (name: string, fleet: Fleet) => Promise<MemberOptions>;
}

/** In place of what a member is usually started with. */
export interface MemberOptions {
  readonly databaseUrl?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Where another release is built. */
  readonly directory?: string;
}

/** An endpoint of the fleet with what it has received. */
export interface FleetEndpoint {
  readonly name: string;
  readonly id: string;
  readonly received: ReceivedLog;
}

/**
 * The whole product as processes that a test may kill, freeze and start, on a database of its own, with a
 * receiver. An API keeps its address when it is started again; a worker or a dispatcher is a new one each time.
 */
export class Fleet {
  readonly endpoints: FleetEndpoint[] = [];
  private readonly members = new Map<string, Product>();
  private readonly apiPorts = new Map<string, number>();

  private constructor(
    readonly database: TestDatabase,
    readonly db: pg.Pool,
    readonly receiver: ReceiverLog,
    /** Of the first API. */
    readonly client: Client,
    /** Of a run over Kafka. */
    readonly broker: TestBroker | undefined,
    private readonly options: FleetOptions,
  ) {}

  static async start(options: FleetOptions = {}): Promise<Fleet> {
    const database =
      options.database ??
      (await createTestDatabase({
        ownCluster: options.ownCluster ?? false,
        settings: options.settings ?? {},
      }));
    const db = new pg.Pool({ connectionString: database.superuserUrl, max: 2 });
    db.on('error', () => undefined);
    const receiver = await ReceiverLog.start(options.receiver);
    const apiPort = await findFreePort();
    const client = new Client(`http://127.0.0.1:${apiPort}`, BOOTSTRAP_API_KEY);
    const { withKafka = faultRun().withKafka, kafkaProxyPort: proxyPort, firstApi = 'api' } = options;
    const broker = withKafka
      ? await startTestBroker(proxyPort === undefined ? {} : { proxyPort })
      : undefined;
    const fleet = new Fleet(database, db, receiver, client, broker, options);
    fleet.apiPorts.set(firstApi, apiPort);
    try {
      await fleet.up(firstApi, options.first);
    } catch (error) {
      await fleet.stop();
      throw error;
    }
    return fleet;
  }

  /** Names begin with what the member is: `dispatcher`, `worker` or `api`. */
  async up(name: string, given: MemberOptions = {}): Promise<Product> {
    const options = { ...(await this.options.memberOptions?.(name, this)), ...given };
    const env = { LOG_LEVEL: 'warn', ...this.broker?.env, ...options.env };
    const { ledgerUrl, dispatcherUrl } = this.database;
    if (name.startsWith('dispatcher')) {
      return this.keep(name, await startDispatcher({ databaseUrl: dispatcherUrl, ...options, env }));
    }
    const role = name.startsWith('worker') ? 'worker' : this.options.isSplit ? 'api' : 'all';
    const port = name.startsWith('api') ? { port: await this.apiPortOf(name) } : {};
    const ledger = { databaseUrl: ledgerUrl, ...port, ...options, env: { LEDGER_ROLE: role, ...env } };
    return this.keep(name, await startProduct(ledger));
  }

  /** Where an API is, or will be. */
  async apiPortOf(name: string): Promise<number> {
    const port = this.apiPorts.get(name) ?? (await findFreePort());
    this.apiPorts.set(name, port);
    return port;
  }

  get(name: string): Product {
    const member = this.members.get(name);
    if (!member) throw new Error(`${name} is not running`);
    return member;
  }

  get names(): readonly string[] {
    return [...this.members.keys()];
  }

  async kill(name: string): Promise<void> {
    const member = this.get(name);
    this.members.delete(name);
    await member.kill('SIGKILL');
  }

  /** Lets it end what it does. */
  async end(name: string): Promise<void> {
    const member = this.get(name);
    this.members.delete(name);
    const { code } = await member.stop();
    if (code !== 0) throw new Error(`${name} ended with ${code}:\n${member.logs().slice(-4_000)}`);
  }

  /** Makes endpoints at the receiver, by a dispatcher that is up. */
  async addEndpoints(
    names: readonly string[],
    fields: object = {},
    apiKey = BOOTSTRAP_API_KEY,
  ): Promise<readonly FleetEndpoint[]> {
    const dispatcher = this.names.find((name) => name.startsWith('dispatcher')) ?? 'none';
    const webhooks = new Client(this.get(dispatcher).url, apiKey);
    const added: FleetEndpoint[] = [];
    for (const name of names) {
      const { id, secret } = await createEndpoint(webhooks, { url: this.receiver.urlOf(name), ...fields });
      added.push({ name, id, received: this.receiver.add(name, secret) });
    }
    webhooks.close();
    this.endpoints.push(...added);
    return added;
  }

  /** After the endpoints, so that these know each account from its opening on. */
  async openAccounts(count: number): Promise<string[]> {
    const accounts: string[] = [];
    for (let n = 0; n < count; n++) {
      const { id } = await this.client.open({ name: `Account ${n}`, openingBalance: 1_000_000_000 });
      accounts.push(id);
    }
    return accounts;
  }

  /** What the members have said, for a failure's message. */
  logs(): string {
    return [...this.members].map(([name, member]) => `${name}: ${member.logs().slice(-2_000)}`).join('\n');
  }

  async stop(): Promise<void> {
    this.client.close();
    await Promise.all([...this.members.values()].map((member) => member.kill('SIGKILL')));
    await Promise.all([this.receiver.close(), this.broker?.close()]);
    await this.db.end();
    await this.database.drop();
  }

  private keep(name: string, product: Product): Product {
    this.members.set(name, product);
    return product;
  }
}
