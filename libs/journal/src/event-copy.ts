import pg from 'pg';
import { eventColumns, EventRowWriter } from './event-row-writer.js';
import type { RecordedEvent } from './recorded-event.js';

/** Says whose events they are, so that one that stands still can be found: see end-frozen.ts. */
export function copySqlOf(ledgerId: string): string {
  return `COPY journal.events (${eventColumns}) FROM STDIN (FORMAT binary) /* ${ledgerId} */`;
}

/**
 * Sends a batch's events to Postgres while the batch is still being recorded, as the rows of one COPY: the server
 * writes the first of them while the last are hashed. COPY fills its pages with many rows at a time, which takes it
 * half of what an INSERT takes. Nothing is sent before the first event, and nothing is waited for before the end.
 */
export class EventCopy {
  private query: CopyQuery | null = null;
  private copied: Promise<void> = Promise.resolve();
  private failure: Error | null = null;
  private readonly rows = new EventRowWriter((part) => this.query?.send(part));

  constructor(
    private readonly client: pg.ClientBase,
    private readonly ledgerId: string,
  ) {}

  /** An event that can't be written fails the batch at its end, not the command that it is of. */
  write(event: RecordedEvent): void {
    if (this.query === null) this.begin();
    try {
      this.rows.write(event);
    } catch (error) {
      this.failure ??= error instanceof Error ? error : new Error(String(error));
    }
  }

  /**
   * Resolves when the server has all the rows, and rejects with what it said of one.
   * @throws at once what one of them could not be written for; the connection is of no more use then
   */
  end(): Promise<void> {
    if (this.failure !== null) throw this.failure;
    this.rows.end();
    this.query?.end();
    return this.copied;
  }

  /** Where the batch is given up before its end: a COPY that is never ended would keep the ledger's head. */
  abandon(): void {
    this.query?.abandon();
  }

  private begin(): void {
    this.copied = new Promise((resolve, reject) => {
      const query = new CopyQuery(copySqlOf(this.ledgerId), (error) => (error ? reject(error) : resolve()));
      this.query = this.client.query(query);
    });
    // Who abandons it doesn't wait for it.
    this.copied.catch(() => undefined);
  }
}

/** What pg's connection has and its types don't tell. */
interface CopyConnection extends pg.Connection {
  sendCopyFromChunk(bytes: Buffer): void;
  endCopyFrom(): void;
  sendCopyFail(reason: string): void;
}

/**
 * A COPY whose rows are sent without waiting for the server to ask for them, so that it takes part in pg's pipeline,
 * where a query is submitted as soon as it is asked, like any other statement. Where the server refuses it, it drops
 * what it gets of the rows.
 *
 * The protocol: https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-COPY
 */
class CopyQuery extends pg.Query {
  /** While rows may be sent. */
  private connection: CopyConnection | null = null;

  constructor(
    private readonly copySql: string,
    onEnd: (error: Error | undefined) => void,
  ) {
    super(copySql, onEnd);
  }

  override submit = (connection: pg.Connection): void => {
    this.connection = connection as CopyConnection;
    connection.query(this.copySql);
  };

  /** pg calls it where the server is ready for the rows; they are on their way already. */
  handleCopyInResponse(): void {}

  /** @param bytes are copied */
  send(bytes: Buffer): void {
    this.connection?.sendCopyFromChunk(bytes);
  }

  end(): void {
    this.connection?.endCopyFrom();
    this.connection = null;
  }

  abandon(): void {
    this.connection?.sendCopyFail('the batch was given up');
    this.connection = null;
  }
}
