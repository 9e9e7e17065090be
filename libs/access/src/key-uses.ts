import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { AccessDatabase } from './access-database.js';

const writeEveryMs = 15_000;
const keysPerWriteMax = 1_000;

/**
 * When each key was last used, kept in the database to about a quarter of a minute: a process gathers the keys
 * that it has seen and writes them together. One that is killed loses what it has not yet written.
 */
@Injectable()
export class KeyUses implements BeforeApplicationShutdown {
  private readonly used = new Set<string>();
  private readonly timer = setInterval(() => void this.write().catch(() => undefined), writeEveryMs).unref();

  constructor(private readonly database: AccessDatabase) {}

  note(keyId: string): void {
    this.used.add(keyId);
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    // What could not be written is no reason not to stop.
    await this.write().catch(() => undefined);
  }

  /** Keys of a write that fails are written with the next. Rows are locked in order: two processes write at once. */
  private async write(): Promise<void> {
    const keyIds = [...this.used].sort();
    for (let from = 0; from < keyIds.length; from += keysPerWriteMax) {
      const batch = keyIds.slice(from, from + keysPerWriteMax);
      for (const keyId of batch) this.used.delete(keyId);
      try {
        await this.database.query(
          `UPDATE access.api_keys SET last_used_at = clock_timestamp()
          WHERE id IN (SELECT id FROM access.api_keys WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE)`,
          [batch],
        );
      } catch (error) {
        for (const keyId of batch) this.used.add(keyId);
        throw error;
      }
    }
  }
}
