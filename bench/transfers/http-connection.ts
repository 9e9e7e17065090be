import { connect, type Socket } from 'node:net';

export type Failure = 'connection-error' | 'timeout' | 'unreadable-answer';

export interface Answer {
  readonly status: number;
  readonly body: Buffer;
  readonly elapsedMicroseconds: number;
}

export interface ConnectionEvents {
  /** It may send the next request. */
  idle(connection: HttpConnection): void;
  answer(answer: Answer): void;
  /** `isOutcomeUnknown`: a request was under way, and may or may not have been executed. */
  failed(connection: HttpConnection, failure: Failure, isOutcomeUnknown: boolean): void;
}

const RECONNECT_MS = 100;
const HEADER_END = Buffer.from('\r\n\r\n');

/**
 * One connection that is kept open, with at most one request under way. It reads only what this product
 * writes: a status line, and a body of which the length is given. An ordinary client library spends more
 * time on a request than the ledger does, and on a shared machine that time is missing where it is measured;
 * and it hides a dropped request by sending it again.
 */
export class HttpConnection {
  private socket: Socket | undefined;
  private sentAt: bigint | undefined;
  private received: Buffer | undefined;
  private isClosed = false;

  constructor(
    private readonly host: string,
    private readonly port: number,
    private readonly events: ConnectionEvents,
  ) {
    this.open();
  }

  get isBusy(): boolean {
    return this.sentAt !== undefined;
  }

  send(request: string): void {
    this.sentAt = process.hrtime.bigint();
    this.socket?.write(request);
  }

  failIfOlderThan(limitMs: number): void {
    if (this.sentAt === undefined) return;
    if (process.hrtime.bigint() - this.sentAt > BigInt(limitMs) * 1_000_000n) this.fail('timeout');
  }

  close(): void {
    this.isClosed = true;
    this.sentAt = undefined;
    this.socket?.destroy();
  }

  private open(): void {
    const socket = connect({ host: this.host, port: this.port, noDelay: true });
    this.socket = socket;
    socket.on('connect', () => this.events.idle(this));
    socket.on('data', (chunk) => this.read(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => this.fail('connection-error'));
  }

  private read(chunk: Buffer): void {
    const bytes = this.received === undefined ? chunk : Buffer.concat([this.received, chunk]);
    const headerEnd = bytes.indexOf(HEADER_END);
    if (headerEnd === -1) {
      this.received = bytes;
      return;
    }
    const header = bytes.toString('latin1', 0, headerEnd);
    const status = Number(header.slice(9, 12));
    const length = status === 204 ? 0 : Number(/\r\ncontent-length: *(\d+)/i.exec(header)?.[1] ?? NaN);
    const bodyStart = headerEnd + HEADER_END.length;
    if (Number.isNaN(length) || bytes.length > bodyStart + length || this.sentAt === undefined) {
      this.fail('unreadable-answer');
      return;
    }
    if (bytes.length < bodyStart + length) {
      this.received = bytes;
      return;
    }
    const elapsedMicroseconds = Number((process.hrtime.bigint() - this.sentAt) / 1_000n);
    this.received = undefined;
    this.sentAt = undefined;
    this.events.answer({ status, body: bytes.subarray(bodyStart), elapsedMicroseconds });
    this.events.idle(this);
  }

  private fail(failure: Failure): void {
    if (this.isClosed) return;
    const isOutcomeUnknown = this.isBusy;
    this.sentAt = undefined;
    this.received = undefined;
    this.socket?.removeAllListeners('close');
    this.socket?.destroy();
    this.events.failed(this, failure, isOutcomeUnknown);
    setTimeout(() => {
      if (!this.isClosed) this.open();
    }, RECONNECT_MS);
  }
}
