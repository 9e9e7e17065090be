import { setTimeout as sleep } from 'node:timers/promises';
import { newKey, type Client } from './client.js';
import type { SeededRandom } from './seeded-random.js';

export interface LoadOptions {
  readonly client: Client;
  readonly accountIds: readonly string[];
  readonly random: SeededRandom;
  /** Absent: as fast as the answers come. */
  readonly perSecond?: number;
  readonly clients?: number;
  /** Absent: until it is stopped. */
  readonly postsMax?: number;
}

const answeredMsMax = 90_000;

/** Clients that post transfers, each with a key by which it asks again, until it is told 201, whatever has died. */
export class IdempotentLoad {
  /** Keys of what was answered with 201. */
  readonly answered = new Set<string>();
  /** What requests were told, or not, that had to be made again. */
  readonly refusals: string[] = [];
  /** Of the answers with 201. */
  slowestMs = 0;
  private begun = 0;
  private isStopped = false;
  private readonly done: Promise<unknown>;

  constructor(private readonly options: LoadOptions) {
    const { clients = 16 } = options;
    this.done = Promise.all(Array.from({ length: clients }, () => this.run(clients)));
    // Told by `stop` and `finished`, whenever they are called.
    this.done.catch(() => undefined);
  }

  get repeated(): number {
    return this.refusals.length;
  }

  /** Begins nothing more; resolves when all that was begun is answered. */
  async stop(): Promise<void> {
    this.isStopped = true;
    await this.done;
  }

  /** With `postsMax`: when the last is answered. */
  async finished(): Promise<void> {
    await this.done;
  }

  private async run(clients: number): Promise<void> {
    const { perSecond, postsMax = Infinity, random } = this.options;
    const everyMs = perSecond === undefined ? 0 : (1_000 * clients) / perSecond;
    await sleep(random.below(1 + everyMs));
    while (!this.isStopped && this.begun < postsMax) {
      this.begun++;
      const startedAt = performance.now();
      await this.post();
      const restMs = everyMs - (performance.now() - startedAt);
      if (restMs > 0) await sleep(restMs);
    }
  }

  private async post(): Promise<void> {
    const { client, accountIds, random } = this.options;
    const from = random.below(accountIds.length);
    const to = (from + 1 + random.below(accountIds.length - 1)) % accountIds.length;
    const body = { sender: accountIds[from], recipient: accountIds[to], amount: 1 + random.below(5) };
    const key = newKey();
    for (const deadline = performance.now() + answeredMsMax; performance.now() < deadline; await sleep(50)) {
      const askedAt = performance.now();
      const answer = await client.post('/v1/transactions', body, { key }).catch(() => null);
      if (answer?.status === 201) {
        this.slowestMs = Math.max(this.slowestMs, performance.now() - askedAt);
        return void this.answered.add(key);
      }
      if (answer !== null && answer.status < 500) throw new Error(`${answer.status}: ${answer.text}`);
      this.refusals.push(answer === null ? 'no answer' : `${answer.status}: ${answer.text}`);
    }
    throw new Error(`a transfer was not answered with 201 in ${answeredMsMax} ms`);
  }
}
