import { commitChannel, encodeLedgerIds } from '#event-stream';
import { ReconnectingClient, type Logger } from '#platform';

const notifyEveryMs = 5;

/**
 * Tells other processes which ledgers have new events: after the commit and on a connection of its own, because
 * a NOTIFY inside the batch makes commits wait for each other. The first is sent at once; ledgers named within
 * the 5 ms after one share the next. One that can't be sent is dropped: whoever listens also scans.
 */
export class CommitNotifier {
  private readonly connection: ReconnectingClient;
  private readonly ledgerIds = new Set<string>();
  private timer: NodeJS.Timeout | undefined;
  private sentAt = -Infinity;
  private isSending = false;
  private serverProcessId: number | undefined;

  constructor(
    url: string,
    private readonly logger: Logger,
  ) {
    this.connection = new ReconnectingClient({
      url,
      applicationName: 'ledger-commit-notifier',
      logger,
      prepare: async (client) => {
        const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
        this.serverProcessId = rows[0]?.pid;
      },
    });
  }

  start(): Promise<void> {
    return this.connection.start();
  }

  notify(ledgerId: string): void {
    this.ledgerIds.add(ledgerId);
    this.sendSoon();
  }

  /** Whether a notification of this server process is this notifier's. */
  isOwn(serverProcessId: number): boolean {
    return serverProcessId === this.serverProcessId;
  }

  async stop(): Promise<void> {
    clearTimeout(this.timer);
    await this.connection.stop();
  }

  private sendSoon(): void {
    if (this.timer || this.isSending) return;
    const waitMs = Math.ceil(this.sentAt + notifyEveryMs - performance.now());
    if (waitMs <= 0) return this.send();
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.send();
    }, waitMs);
  }

  private send(): void {
    this.isSending = true;
    this.sentAt = performance.now();
    void this.sendAll().finally(() => {
      this.isSending = false;
      if (this.ledgerIds.size > 0) this.sendSoon();
    });
  }

  private async sendAll(): Promise<void> {
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
