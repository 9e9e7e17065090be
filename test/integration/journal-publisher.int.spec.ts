import pg from 'pg';
import { Registry } from 'prom-client';
import { ledgerIdOf, renderTopicMessages, topics, type TopicMessage } from '#contracts';
import { createPostgresPool } from '#platform';
import { JournalPublisher } from '../../apps/ledger/src/publishing/journal-publisher.js';
import { publishingMetrics } from '../../apps/ledger/src/publishing/publishing-metrics.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { HandMadeJournal } from '../support/hand-made-journal.js';
import { until } from '../support/until.js';

let database: TestDatabase;
let superuser: pg.Client;
let pool: pg.Pool;
const log = () => undefined;
const logger = { debug: log, info: log, warn: log, error: log };

beforeAll(async () => {
  database = await createTestDatabase();
  superuser = new pg.Client({ connectionString: database.superuserUrl });
  await superuser.connect();
  const url = database.ledgerUrl;
  pool = createPostgresPool({ url, applicationName: 'test', connectionsMax: 2, onError: log, session: {} });
});

afterAll(async () => {
  await pool.end();
  await superuser.end();
  await database.drop();
});

/** The journal's publisher in the first term, on a real database, with a broker that acknowledges when it is told. */
class Publishing {
  /** Positions of the ledger's events, by send. */
  readonly sends: string[][] = [];
  readonly leadership = {
    term: 1n as bigint | null,
    resign: () => this.resignations.push(this.sends.length),
  };
  readonly resignations: number[] = [];
  readonly publisher: JournalPublisher;
  whileRendering: () => void = () => undefined;
  private answers: ((error?: Error) => void)[] = [];
  private isStopping = false;

  private constructor(readonly journal: HandMadeJournal) {
    this.publisher = new JournalPublisher({
      pool,
      render: (record) => {
        this.whileRendering();
        return renderTopicMessages(record);
      },
      send: (messages) => this.send(messages),
      leadership: this.leadership,
      metrics: publishingMetrics(new Registry()),
      logger,
    });
  }

  /** Three events that nobody has published. */
  static async start(): Promise<Publishing> {
    await superuser.query('UPDATE publishing.leadership SET term = 1');
    const journal = new HandMadeJournal(superuser);
    for (let count = 0; count < 3; count++) journal.openAccount();
    await journal.commit();
    // What other tests have left is not this one's.
    await superuser.query(
      `INSERT INTO publishing.checkpoints (ledger_id, epoch, position)
        SELECT ledger_id, 1, CASE WHEN ledger_id = $1 THEN 0 ELSE position END FROM journal.heads
        ON CONFLICT (ledger_id) DO UPDATE SET position = excluded.position`,
      [journal.ledgerId],
    );
    return new Publishing(journal);
  }

  start(): void {
    this.publisher.start();
    this.publisher.poke(this.journal.ledgerId);
  }

  async sent(times: number): Promise<void> {
    await until(`${times} sends`, () => this.sends.length >= times, 10);
  }

  answer(error?: Error): void {
    for (const settle of this.answers.splice(0)) settle(error);
  }

  async checkpoint(): Promise<number> {
    const { rows } = await superuser.query<{ position: number }>(
      'SELECT position::integer FROM publishing.checkpoints WHERE ledger_id = $1',
      [this.journal.ledgerId],
    );
    return rows[0]!.position;
  }

  async stop(): Promise<void> {
    this.isStopping = true;
    const stopped = this.publisher.stop();
    this.answer();
    await stopped;
  }

  private send(messages: readonly TopicMessage[]): Promise<void> {
    const own = messages.filter(
      ({ topic, key }) => topic === topics.events && key === ledgerIdOf(this.journal.ledgerId),
    );
    this.sends.push(own.map(({ headers }) => headers.ce_position));
    // What was read before the stop is sent after it, when nobody is there to answer.
    if (this.isStopping) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.answers.push((error) => (error ? reject(error) : resolve()));
    });
  }
}

describe('the publisher', () => {
  let publishing: Publishing;
  beforeEach(async () => (publishing = await Publishing.start()));
  afterEach(() => publishing.stop());

  it('saves a checkpoint when the broker has acknowledged all before it, and not sooner', async () => {
    publishing.start();
    await publishing.sent(1);
    expect(publishing.sends).toEqual([['1', '2', '3']]);
    expect(await publishing.checkpoint()).toBe(0);

    publishing.answer();
    await until('the checkpoint is saved', async () => (await publishing.checkpoint()) === 3, 10);
    expect(publishing.resignations).toEqual([]);
  });

  it('sends again what was not acknowledged', async () => {
    publishing.start();
    await publishing.sent(1);
    publishing.answer(new Error('the broker is away'));
    await publishing.sent(2);
    expect(publishing.sends).toEqual([
      ['1', '2', '3'],
      ['1', '2', '3'],
    ]);
    expect(await publishing.checkpoint()).toBe(0);
  });

  it('saves nothing once another term has begun, and resigns', async () => {
    publishing.start();
    await publishing.sent(1);
    await superuser.query('UPDATE publishing.leadership SET term = 2');
    publishing.answer();
    await until('it resigns', () => publishing.resignations.length > 0, 10);
    expect(await publishing.checkpoint()).toBe(0);
  });

  it('leaves a checkpoint where another has moved it, and resigns', async () => {
    publishing.start();
    await publishing.sent(1);
    await superuser.query('UPDATE publishing.checkpoints SET position = 2 WHERE ledger_id = $1', [
      publishing.journal.ledgerId,
    ]);
    publishing.answer();
    await until('it resigns', () => publishing.resignations.length > 0, 10);
    expect(await publishing.checkpoint()).toBe(2);
  });

  it('sends nothing of what it has read when it leads no longer', async () => {
    publishing.whileRendering = () => (publishing.leadership.term = null);
    publishing.start();
    await until('it has rendered', () => publishing.leadership.term === null, 10);
    await publishing.publisher.stop();
    expect(publishing.sends).toEqual([]);
    expect(await publishing.checkpoint()).toBe(0);
  });

  it('goes on after its checkpoint with what is new', async () => {
    publishing.start();
    await publishing.sent(1);
    publishing.answer();
    await until('the checkpoint is saved', async () => (await publishing.checkpoint()) === 3, 10);
    publishing.journal.openAccount();
    await publishing.journal.commit();
    publishing.publisher.poke(publishing.journal.ledgerId);
    await publishing.sent(2);
    expect(publishing.sends).toEqual([['1', '2', '3'], ['4']]);
  });
});
