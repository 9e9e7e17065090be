import { commitChannel, decodeLedgerIds } from './commit-notifications.js';
import type { ProjectionLogger } from './projection.js';
import { ReconnectingClient } from './reconnecting-client.js';

/**
 * Hears of commits of other processes, on a connection of its own. What is said while it is down is not heard:
 * the runner's scan makes up for it.
 */
export class CommitListener {
  private readonly connection: ReconnectingClient;

  constructor(url: string, logger: ProjectionLogger, onCommitted: (ledgerId: string) => void) {
    this.connection = new ReconnectingClient({
      url,
      applicationName: 'ledger-commit-listener',
      logger,
      prepare: async (client) => {
        client.on('notification', ({ payload = '' }) => decodeLedgerIds(payload).forEach(onCommitted));
        await client.query(`LISTEN ${commitChannel}`);
      },
    });
  }

  start(): Promise<void> {
    return this.connection.start();
  }

  stop(): Promise<void> {
    return this.connection.stop();
  }
}
