import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Fleet } from '../fleet.js';
import { KafkaProxy } from '../kafka-proxy.js';
import type { Product } from '../product.js';
import { TcpProxy } from '../tcp-proxy.js';
import { ProcessClocks } from './process-clocks.js';

export const apiNames = ['api-1', 'api-2'] as const;
export const workerNames = ['worker-1', 'worker-2'] as const;
export const dispatcherNames = ['dispatcher-1', 'dispatcher-2'] as const;
export const memberNames = [...apiNames, ...workerNames, ...dispatcherNames];

/** Others may use the machine as well. */
const startedMsMax = 180_000;
/** As the product has it by default: the shorter one of other tests is for a machine that has time. */
const KAFKA_SESSION_MS = '6000';
const retryStartMs = 250;

/**
 * The whole product with everything there twice, on a Postgres and a broker of its own: each process reaches
 * Postgres through a proxy of its own and Kafka through one of all, and the APIs are called through proxies as well.
 * Who dies is started again until it is ready, as whatever runs the product would.
 */
export class ChaosFleet {
  /** Logs and what else tells of a run; kept when it fails. */
  readonly directory = mkdtempSync(join(tmpdir(), 'ledger-chaos-'));
  readonly clocks = new ProcessClocks(this.directory);
  /** In front of each API: what its clients see. */
  readonly http = new Map<string, TcpProxy>();
  /** In front of Postgres, for each member. */
  readonly postgres = new Map<string, TcpProxy>();
  readonly kafka: KafkaProxy;
  fleet!: Fleet;
  /** Ends of processes that nobody had asked for. */
  readonly endedAlone: string[] = [];
  private readonly startedAtMs = performance.now();
  private readonly meantToEnd = new Set<Product>();
  private readonly starting = new Map<string, Promise<void>>();
  private lives = 0;
  private isStopping = false;

  private constructor(kafka: KafkaProxy) {
    this.kafka = kafka;
  }

  static async start(): Promise<ChaosFleet> {
    const chaos = new ChaosFleet(await KafkaProxy.start());
    try {
      chaos.fleet = await Fleet.start({
        ownCluster: true,
        isSplit: true,
        withKafka: true,
        kafkaProxyPort: chaos.kafka.port,
        firstApi: apiNames[0],
        receiver: { delayMs: 5 },
        memberOptions: (name, fleet) => chaos.optionsOf(name, fleet),
      });
      chaos.watch(apiNames[0]);
      await Promise.all(memberNames.slice(1).map((name) => chaos.up(name)));
      for (const name of apiNames) {
        const port = await chaos.fleet.apiPortOf(name);
        chaos.http.set(name, await TcpProxy.start(`http://127.0.0.1:${port}`));
      }
      return chaos;
    } catch (error) {
      await chaos.stop({ isKept: true });
      throw error;
    }
  }

  /** A line of what is done to the fleet, in its directory and for who watches. */
  tell(line: string): void {
    const seconds = ((performance.now() - this.startedAtMs) / 1_000).toFixed(1);
    appendFileSync(join(this.directory, 'timeline.log'), `${seconds.padStart(7)} s  ${line}\n`);
  }

  /** How far everything has come, for whoever looks into a failure. */
  async tellState(): Promise<void> {
    const { rows } = await this.fleet.db.query(
      `SELECT h.ledger_id, h.position AS head, c.position AS published, i.position AS taken_in,
        (SELECT json_object_agg(s, n) FROM (SELECT d.status || coalesce(' ' || d.last_status_code, '') AS s, count(*) AS n
          FROM dispatcher.deliveries d WHERE d.ledger_id = h.ledger_id GROUP BY 1) g) AS deliveries
      FROM journal.heads h LEFT JOIN publishing.checkpoints c USING (ledger_id)
      LEFT JOIN dispatcher.ledgers i USING (ledger_id)`,
    );
    for (const row of rows) this.tell(JSON.stringify(row));
    for (const { name, received } of this.fleet.endpoints) {
      this.tell(
        `${name}: ${received.ids.size} received, ${received.wrong.slice(-3).join('; ') || 'none wrong'}`,
      );
    }
  }

  async kill(name: string): Promise<void> {
    const product = this.fleet.get(name);
    this.meantToEnd.add(product);
    await this.fleet.kill(name);
    this.keepLog(name, product);
  }

  /** Until it is ready, whatever is wrong meanwhile. */
  up(name: string): Promise<void> {
    const started = this.tryToStart(name).finally(() => this.starting.delete(name));
    this.starting.set(name, started);
    return started;
  }

  /** The second waking is another process's work, so that nothing stays frozen when this one dies meanwhile. */
  async freeze(name: string, seconds: number): Promise<void> {
    const script = 'kill -STOP "$0" && sleep "$1"; kill -CONT "$0"';
    const args = ['-c', script, String(this.fleet.get(name).pid), String(seconds)];
    await once(spawn('sh', args, { detached: true, stdio: 'ignore' }), 'exit');
  }

  /** All proxies pass everything at once again, and all that is being started is up. */
  async heal(): Promise<void> {
    for (const proxy of [...this.http.values(), ...this.postgres.values()]) {
      proxy.disarm();
      proxy.slow(0);
    }
    this.kafka.loseNext(0);
    this.kafka.slow(0);
    await Promise.all(this.starting.values());
  }

  async stop({ isKept }: { isKept: boolean }): Promise<void> {
    this.isStopping = true;
    // What is being started is ended when it is ready.
    await Promise.allSettled(this.starting.values());
    if (isKept) await this.keepLogs();
    await (this.fleet as Fleet | undefined)?.stop();
    await Promise.all([...this.http.values(), ...this.postgres.values()].map((proxy) => proxy.close()));
    await this.kafka.close();
    if (isKept) process.stdout.write(`logs and the timeline are kept in ${this.directory}\n`);
    else rmSync(this.directory, { recursive: true, force: true });
  }

  private async optionsOf(name: string, fleet: Fleet) {
    const { ledgerUrl, dispatcherUrl } = fleet.database;
    let postgres = this.postgres.get(name);
    if (!postgres) {
      postgres = await TcpProxy.start(name.startsWith('dispatcher') ? dispatcherUrl : ledgerUrl);
      this.postgres.set(name, postgres);
    }
    this.kafka.passTo(fleet.broker?.proxiedPort ?? 0);
    const KAFKA_BROKERS = `127.0.0.1:${this.kafka.port}`;
    const env = { KAFKA_BROKERS, KAFKA_SESSION_MS, ...this.clocks.environmentOf(name) };
    return { databaseUrl: postgres.url, env };
  }

  private async tryToStart(name: string): Promise<void> {
    for (const deadline = performance.now() + startedMsMax; !this.isStopping; await sleep(retryStartMs)) {
      try {
        await this.fleet.up(name);
        return this.watch(name);
      } catch (error) {
        this.tell(`${name} could not be started: ${String(error).slice(0, 300)}`);
        if (performance.now() > deadline) throw error;
      }
    }
  }

  /** One that ends by itself is noted and started again. */
  private watch(name: string): void {
    const product = this.fleet.get(name);
    void product.exited.then(({ code, signal }) => {
      if (this.isStopping || this.meantToEnd.has(product)) return;
      this.endedAlone.push(`${name} ended by itself with ${signal ?? code}`);
      this.tell(this.endedAlone.at(-1) ?? '');
      this.keepLog(name, product);
      this.up(name).catch((error: unknown) => this.endedAlone.push(String(error)));
    });
  }

  private keepLog(name: string, product: Product): void {
    writeFileSync(join(this.directory, `${name}.${++this.lives}.log`), product.logs());
  }

  private async keepLogs(): Promise<void> {
    const fleet = this.fleet as Fleet | undefined;
    if (!fleet) return;
    for (const name of fleet.names) this.keepLog(name, fleet.get(name));
    writeFileSync(join(this.directory, 'postgres.log'), await fleet.database.postgresLog());
  }
}
