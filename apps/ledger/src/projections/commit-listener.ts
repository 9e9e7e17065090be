import { commitChannel, decodeLedgerIds } from '#event-stream';
import { ReconnectingClient, type Logger } from '#platform';

/**
 * Hears of commits of other processes, on a connection of its own. What is said while it is down is not heard:
 * the runner's scan makes up for it.
 */
export class CommitListener {
  private readonly connection: ReconnectingClient;

  /** @param isOwn whether the server process of this id belongs to a session that speaks for this process */
  constructor(
    url: string,
    logger: Logger,
    onCommitted: (ledgerId: string) => void,
    isOwn: (serverProcessId: number) => boolean = () => false,
  ) {
    this.connection = new ReconnectingClient({
      url,
      applicationName: 'ledger-commit-listener',
      logger,
      prepare: async (client) => {
        client.on('notification', ({ payload = '', processId }) => {
          if (!isOwn(processId)) decodeLedgerIds(payload).forEach(onCommitted);
        });
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
