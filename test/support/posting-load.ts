import { setTimeout as sleep } from 'node:timers/promises';
import { newKey, type Client } from './client.js';

/** Clients that post one transfer after the other until they are told to stop; errors are counted, not thrown. */
export class PostingLoad {
  succeeded = 0;
  failed = 0;
  /** Of the slowest that was answered with 201. */
  slowestMs = 0;
  private isStopped = false;
  private readonly done: Promise<unknown>;

  constructor(
    private readonly client: Client,
    private readonly accountIds: readonly string[],
    clients = 8,
  ) {
    this.done = Promise.all(Array.from({ length: clients }, (_, n) => this.run(n)));
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    await this.done;
  }

  private async run(client: number): Promise<void> {
    const count = this.accountIds.length;
    for (let n = client; !this.isStopped; n++) {
      const body = {
        sender: this.accountIds[n % count],
        recipient: this.accountIds[(n + 1) % count],
        amount: 1,
      };
      const startedAt = performance.now();
      const answer = await this.client.post('/v1/transactions', body, { key: newKey() }).catch(() => null);
      if (answer?.status === 201) {
        this.succeeded++;
        this.slowestMs = Math.max(this.slowestMs, performance.now() - startedAt);
      } else {
        this.failed++;
        await sleep(20);
      }
    }
  }
}

export async function openAccounts(client: Client, count = 6): Promise<string[]> {
  const accounts = await Promise.all(
    Array.from({ length: count }, () => client.open({ openingBalance: 1_000_000_000 })),
  );
  return accounts.map(({ id }) => id);
}
