import { setTimeout as sleep } from 'node:timers/promises';
import { topics } from '#contracts';
import { until } from './delivery-fixtures.js';
import { inSeconds, type Figures } from './fault-run.js';
import { Fleet } from './fleet.js';
import { IdempotentLoad } from './idempotent-load.js';
import { KafkaProxy } from './kafka-proxy.js';
import { expectJournalInTopics, untilPublished } from './published.js';
import { compareWithJournal, expectSame, untilDelivered } from './same-events.js';
import { seededRandom } from './seeded-random.js';
import { TcpProxy } from './tcp-proxy.js';
import { withAdmin } from './topic-reader.js';

/** Named so by the publisher: what it sends to Postgres when Kafka has acknowledged a batch. */
const CHECKPOINT = 'save-publishing-checkpoints';
/** Of one batch, as the publisher sends it. */
const batchEventsMax = 500;
const perSecond = 100;

/** What a fault has left in the topics. */
interface Outcome {
  /** Messages in the topic of events beyond one per event. */
  readonly repeats: number;
  readonly figures: Figures;
}

/**
 * Faults of publishing, on the whole product over a real broker: the API, under load all the time, is a process of
 * its own; the workers, one of which publishes, are killed, frozen and cut off; a dispatcher reads what they have
 * published. After each fault the journal, the topics, the deliveries and what the receiver got are the same.
 */
export class PublishingFaults {
  private readonly random = seededRandom();
  private readonly proxies: TcpProxy[] = [];
  private workers = 0;

  private constructor(
    readonly fleet: Fleet,
    readonly proxy: KafkaProxy,
    private readonly accountIds: readonly string[],
  ) {}

  static async start(): Promise<PublishingFaults> {
    const proxy = await KafkaProxy.start();
    let fleet: Fleet | undefined;
    try {
      fleet = await Fleet.start({ isSplit: true, withKafka: true, kafkaProxyPort: proxy.port });
      const port = fleet.broker?.proxiedPort;
      if (port !== undefined) proxy.passTo(port);
      await fleet.up('dispatcher');
      await fleet.up('worker');
      await fleet.addEndpoints(['by-account'], { ordering: 'account' });
      const accountIds = await fleet.openAccounts(24);
      await untilPublished(fleet.database.superuserUrl);
      await fleet.end('worker');
      return new PublishingFaults(fleet, proxy, accountIds);
    } catch (error) {
      await Promise.all([fleet?.stop(), proxy.close()]);
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.fleet.stop();
    await Promise.all([this.proxy, ...this.proxies].map((proxy) => proxy.close()));
  }

  /** Each is killed when Kafka has acknowledged a batch and Postgres does not know it yet. */
  async killPublishers(rounds: number): Promise<Figures> {
    const before = await this.countUnsaved();
    const load = this.post();
    /** Events of the batch that was under way at each kill: the next publisher sends them again. */
    const batches: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const postgres = await this.startProxy();
      // With its first batch, which is all that was posted meanwhile, or with a later one.
      const first = round % 2 === 0 ? postgres.once(CHECKPOINT, 'hold') : undefined;
      const name = await this.startWorker({ databaseUrl: postgres.url });
      await (first ?? sleep(this.random.below(1_000)).then(() => postgres.once(CHECKPOINT, 'hold')));
      await this.fleet.kill(name);
      // With it goes the checkpoint that it holds.
      postgres.cut();
      const repeated = before + batches.reduce((total, events) => total + events, 0);
      batches.push((await this.countUnsaved()) - repeated);
    }
    const name = await this.startWorker();
    const { repeats, figures } = await this.settle(load);
    await this.fleet.end(name);
    expect(Math.min(...batches)).toBeGreaterThan(0);
    expect(Math.max(...batches)).toBeLessThanOrEqual(batchEventsMax);
    const unsaved = batches.reduce((total, events) => total + events, 0);
    expect(repeats - before).toBeLessThanOrEqual(unsaved);
    return {
      kills: rounds,
      ...figures,
      'published again': repeats - before,
      'acknowledged and not saved at the kills': unsaved,
      'largest of these batches': Math.max(...batches),
    };
  }

  /** A produce request is applied and its answer swallowed, twice in a row. */
  async loseAcknowledgements(rounds: number): Promise<Figures> {
    const before = this.proxy.lost;
    const repeatsBefore = await this.countUnsaved();
    const name = await this.startWorker({ env: { KAFKA_BROKERS: `127.0.0.1:${this.proxy.port}` } });
    const load = this.post();
    for (let round = 1; round <= rounds; round++) {
      // Two in a row: what kafkajs tries again by itself is lost as well, and its producer with it.
      this.proxy.loseNext(2);
      await until('acknowledgements are lost', () => this.proxy.lost === before + 2 * round, 60);
      await sleep(100 + this.random.below(400));
    }
    const { repeats, figures } = await this.settle(load);
    await this.fleet.end(name);
    expect(repeats).toBeGreaterThan(repeatsBefore);
    return {
      'acknowledgements lost': this.proxy.lost - before,
      ...figures,
      'published again': repeats - repeatsBefore,
    };
  }

  /** Killed, and away for a while. */
  async stopBroker(seconds: number): Promise<Figures> {
    const { broker } = this.fleet;
    const name = await this.startWorker();
    const load = this.post();
    await sleep(1_000 * Math.min(seconds, 2));
    await broker?.stop('SIGKILL');
    const [answeredBefore, downAtMs] = [load.answered.size, performance.now()];
    await sleep(1_000 * seconds);
    expect(await this.metricOf(name, 'ledger_publishing_lag_events')).toBeGreaterThan(0);
    expect((await this.fleet.client.get('/health/ready')).status).toBe(200);
    const downSeconds = (performance.now() - downAtMs) / 1_000;
    const answered = (load.answered.size - answeredBefore) / downSeconds;
    await broker?.start();
    const backAtMs = performance.now();
    const { figures } = await this.settle(load);
    const drainedMs = performance.now() - backAtMs;
    await this.fleet.end(name);
    expect(answered).toBeGreaterThan(0.8 * perSecond);
    return {
      away: inSeconds(1_000 * downSeconds),
      'posts asked for per second': perSecond,
      'answered with 201 meanwhile': `${answered.toFixed(1)}/s`,
      ...figures,
      'all there after its return': inSeconds(drainedMs),
    };
  }

  /** The one that publishes is frozen before it saves a checkpoint, and wakes when another has long published. */
  async freezePublishers(rounds: number): Promise<Figures> {
    const repeatsBefore = await this.countUnsaved();
    let postgres = await this.startProxy();
    let name = await this.startWorker({ databaseUrl: postgres.url });
    let refused = 0;
    for (let round = 0; round < rounds; round++) {
      await untilPublished(this.fleet.database.superuserUrl);
      const term = await this.term();
      const postgresOfHeir = await this.startProxy();
      const heir = await this.startWorker({ databaseUrl: postgresOfHeir.url });
      const held = postgres.once(CHECKPOINT, 'hold');
      const load = this.post();
      await held;
      const frozen = this.fleet.get(name);
      await frozen.kill('SIGSTOP');
      await until('another leads', async () => (await this.term()) > term, 60);
      await this.settle(load);
      const saved = await this.checkpoints();

      postgres.release();
      await frozen.kill('SIGCONT');
      const isRefused = async () =>
        (await this.metricOf(name, 'ledger_publishing_refused_checkpoints_total')) > 0;
      await until('its checkpoint is refused', isRefused, 60);
      refused += await this.metricOf(name, 'ledger_publishing_refused_checkpoints_total');
      expect(await this.checkpoints()).toEqual(saved);
      await this.fleet.end(name);
      [name, postgres] = [heir, postgresOfHeir];
    }
    const { repeats, figures } = await this.settle(this.post(), 500);
    await this.fleet.end(name);
    expect(repeats).toBeGreaterThan(repeatsBefore);
    return {
      freezes: rounds,
      ...figures,
      'published again': repeats - repeatsBefore,
      'checkpoints refused': refused,
    };
  }

  /** A way to Postgres for one worker. */
  private async startProxy(): Promise<TcpProxy> {
    const proxy = await TcpProxy.start(this.fleet.database.ledgerUrl);
    this.proxies.push(proxy);
    return proxy;
  }

  private post(): IdempotentLoad {
    const { fleet, accountIds, random } = this;
    return new IdempotentLoad({ client: fleet.client, accountIds, random, perSecond });
  }

  private async startWorker(options: Parameters<Fleet['up']>[1] = {}): Promise<string> {
    const name = `worker-${this.workers++}`;
    await this.fleet.up(name, options);
    return name;
  }

  /** Ends the load, none of whose requests may have had to be made again, and compares all there is. */
  private async settle(load: IdempotentLoad, afterMs = 0): Promise<Outcome> {
    const { fleet } = this;
    await sleep(afterMs);
    await load.stop();
    expect(load.refusals).toEqual([]);
    await untilPublished(fleet.database.superuserUrl);
    await untilDelivered(fleet);
    const difference = await compareWithJournal(fleet);
    expectSame(difference);
    expect(difference.outOfOrder).toEqual([]);
    const journal = await fleet.client.journal();
    await expectJournalInTopics(fleet.broker!.settings, journal);
    return {
      repeats: await this.countUnsaved(),
      figures: {
        events: journal.length,
        lost: difference.lost.length,
        invented: difference.invented.length,
        'posted again': load.repeated,
        'received again': difference.repeats,
      },
    };
  }

  /** Messages in the topic of events beyond those that the checkpoints count. */
  private async countUnsaved(): Promise<number> {
    const partitions = await withAdmin(this.fleet.broker!.settings, (admin) =>
      admin.fetchTopicOffsets(topics.events),
    );
    const messages = partitions.reduce((total, { high }) => total + Number(high), 0);
    const { rows } = await this.fleet.db.query<{ saved: number }>(
      'SELECT coalesce(sum(position), 0)::integer AS saved FROM publishing.checkpoints',
    );
    return messages - (rows[0]?.saved ?? 0);
  }

  private async checkpoints(): Promise<readonly unknown[]> {
    return (await this.fleet.db.query('SELECT * FROM publishing.checkpoints ORDER BY ledger_id')).rows;
  }

  private async term(): Promise<number> {
    const { rows } = await this.fleet.db.query<{ term: string }>(
      'SELECT term::text FROM publishing.leadership',
    );
    return Number(rows[0]?.term);
  }

  private async metricOf(worker: string, name: string): Promise<number> {
    const text = await (await fetch(`${this.fleet.get(worker).url}/metrics`)).text();
    return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
  }
}
