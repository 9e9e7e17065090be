import { commitChannel, encodeLedgerIds } from './commit-notifications.js';
import type { ProjectionLogger } from './projection.js';
import { ReconnectingClient } from './reconnecting-client.js';

const notifyEveryMs = 5;

/**
 * Tells other processes which ledgers have new events: after the commit and on a connection of its own, because
 * a NOTIFY inside the batch makes commits wait for each other. Ledgers named within 5 ms share a notification.
 * One that can't be sent is dropped: whoever listens also scans.
 */
export class CommitNotifier {
  private readonly connection: ReconnectingClient;
  private readonly ledgerIds = new Set<string>();
  private timer: NodeJS.Timeout | undefined;
  private isSending = false;

  constructor(
    url: string,
    private readonly logger: ProjectionLogger,
  ) {
    this.connection = new ReconnectingClient({
      url,
      applicationName: 'ledger-commit-notifier',
      logger,
      prepare: async () => undefined,
    });
  }

  start(): Promise<void> {
    return this.connection.start();
  }

  notify(ledgerId: string): void {
    this.ledgerIds.add(ledgerId);
    this.sendSoon();
  }

  async stop(): Promise<void> {
    clearTimeout(this.timer);
    await this.connection.stop();
  }

  private sendSoon(): void {
    if (this.timer || this.isSending) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.isSending = true;
      void this.send().finally(() => {
        this.isSending = false;
        if (this.ledgerIds.size > 0) this.sendSoon();
      });
    }, notifyEveryMs);
  }

  private async send(): Promise<void> {
    const payloads = encodeLedgerIds([...this.ledgerIds]);
    this.ledgerIds.clear();
    const client = this.connection.connected;
    if (!client) return;
    try {
      await client.query('SELECT pg_notify($1, payload) FROM unnest($2::text[]) AS payload', [
        commitChannel,
        payloads,
      ]);
    } catch (err) {
      this.logger.warn({ err }, 'a notification of commits was not sent');
    }
  }
}
