import pg from 'pg';
import type { Logger } from './logging.js';

export interface ReconnectingClientSettings {
  readonly url: string;
  readonly applicationName: string;
  readonly logger: Logger;
  /** On every new connection, before it is used. */
  readonly prepare: (client: pg.Client) => Promise<void>;
}

const retryMs = 100;
const retryMsMax = 5_000;
const connectMsMax = 5_000;
/** Nothing sent here may take longer; a connection that is that slow is taken for dead. */
const queryMsMax = 5_000;

/** One connection of its own that is made again whenever it is lost, until it is stopped. */
export class ReconnectingClient {
  private client: pg.Client | undefined;
  private timer: NodeJS.Timeout | undefined;
  private failures = 0;
  private isStopped = false;

  constructor(private readonly settings: ReconnectingClientSettings) {}

  /** Resolves after the first attempt, whether it succeeded or not. */
  async start(): Promise<void> {
    if (this.isStopped) return;
    const { url, applicationName, prepare, logger } = this.settings;
    const client = new pg.Client({
      connectionString: url,
      application_name: applicationName,
      keepAlive: true,
      connectionTimeoutMillis: connectMsMax,
      query_timeout: queryMsMax,
    });
    let isLost = false;
    const lose = (err?: Error) => {
      if (isLost || this.isStopped) return;
      isLost = true;
      this.client = undefined;
      const waitMs = Math.min(retryMs * 2 ** this.failures++, retryMsMax);
      logger.warn({ err, waitMs, applicationName }, 'a connection was lost and will be made again');
      this.timer = setTimeout(() => void this.start(), waitMs);
      client.end().catch(() => undefined);
    };
    client.on('error', lose);
    client.on('end', () => lose());
    try {
      await client.connect();
      await prepare(client);
    } catch (error) {
      lose(error as Error);
      return;
    }
    if (this.isStopped) return await client.end();
    if (isLost) return;
    this.client = client;
    this.failures = 0;
  }

  /** Undefined while there is no connection. */
  get connected(): pg.Client | undefined {
    return this.client;
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.timer);
    await this.client?.end();
  }
}
