import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

/** Somebody else who takes every connection that an ordinary role can have, and each that others give back. */
export class ConnectionHog {
  private readonly taken = new Set<pg.Client>();
  private isStopped = false;
  private readonly running: Promise<void>;

  constructor(private readonly url: string) {
    this.running = this.run();
  }

  get count(): number {
    return this.taken.size;
  }

  /** Gives them all back. */
  async stop(): Promise<void> {
    this.isStopped = true;
    await this.running;
    await Promise.all([...this.taken].map((client) => client.end()));
  }

  private async run(): Promise<void> {
    while (!this.isStopped) {
      const client = new pg.Client({ connectionString: this.url });
      client.on('error', () => this.taken.delete(client));
      try {
        await client.connect();
        this.taken.add(client);
      } catch {
        await sleep(2);
      }
    }
  }
}
