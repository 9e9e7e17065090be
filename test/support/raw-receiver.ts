import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';

export interface RawReceiverOptions {
  readonly host?: string;
  readonly tls?: { readonly key: string; readonly cert: string };
}

/** A whole request as it came, headers as they were written. */
export interface RawRequest {
  readonly head: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A server on loopback that does with each connection what the test says, and counts them. */
export class RawReceiver {
  opened = 0;
  readonly open = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    private readonly origin: string,
  ) {}

  static async start(
    onConnection: (socket: Socket, receiver: RawReceiver) => void,
    { host = '127.0.0.1', tls }: RawReceiverOptions = {},
  ): Promise<RawReceiver> {
    const server = tls ? createTlsServer(tls) : createServer();
    // Before TLS, so that a connection counts whose handshake fails.
    server.on('connection', (socket: Socket) => {
      receiver.opened++;
      receiver.open.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => receiver.open.delete(socket));
    });
    server.on('tlsClientError', () => undefined);
    server.on(tls ? 'secureConnection' : 'connection', (socket: Socket) => {
      socket.on('error', () => undefined);
      onConnection(socket, receiver);
    });
    await new Promise<void>((listening) => server.listen(0, host, listening));
    const { port } = server.address() as AddressInfo;
    const receiver = new RawReceiver(server, `${tls ? 'https' : 'http'}://${host}:${port}`);
    return receiver;
  }

  get port(): string {
    return new URL(this.origin).port;
  }

  url(path = '/'): string {
    return this.origin + path;
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    for (const socket of this.open) socket.destroy();
    await closed;
  }
}

/** Reads whole requests from a connection, one after the other. */
export function eachRequest(socket: Socket, onRequest: (request: RawRequest) => void): void {
  let received = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    for (let request = wholeRequest(received); request; request = wholeRequest(received)) {
      received = received.subarray(request.bytes);
      onRequest(request);
    }
  });
}

function wholeRequest(received: Buffer): (RawRequest & { bytes: number }) | null {
  const end = received.indexOf('\r\n\r\n');
  if (end < 0) return null;
  const [head = '', ...lines] = received.toString('latin1', 0, end).split('\r\n');
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
  );
  const bytes = end + 4 + Number(headers['content-length'] ?? 0);
  if (received.length < bytes) return null;
  return { head, headers, body: received.toString('utf8', end + 4, bytes), bytes };
}

/** What becomes of a connection. */
export type Behaviour = (socket: Socket) => void;

/** Writes a text, then the same few bytes again and again. */
export function dripping(text: string, drop: string, everyMs = 20): Behaviour {
  return (socket) => {
    eachRequest(socket, () => {
      socket.write(text);
      const timer = setInterval(() => socket.write(drop), everyMs);
      socket.on('close', () => clearInterval(timer));
    });
  };
}

/** As much as the other side takes, for as long as it does. */
export function pouring(head: string, chunk: Buffer): Behaviour {
  return (socket) => {
    const pour = () => {
      while (!socket.destroyed && socket.write(chunk));
    };
    eachRequest(socket, () => {
      socket.write(head);
      socket.on('drain', pour);
      pour();
    });
  };
}

/** Answers each request of a connection with this text, or with what is made of the request. */
export function answering(answer: string | Buffer | ((request: RawRequest) => string | Buffer)) {
  return (socket: Socket) => {
    eachRequest(socket, (request) => socket.write(typeof answer === 'function' ? answer(request) : answer));
  };
}

/** An HTTP/1.1 answer that keeps its connection open. */
export function httpAnswer(status: number, body: string | Buffer = '', ...headers: string[]): Buffer {
  const bytes = Buffer.from(body);
  const lines = [`HTTP/1.1 ${status} Status`, `content-length: ${bytes.length}`, ...headers, '', ''];
  return Buffer.concat([Buffer.from(lines.join('\r\n')), bytes]);
}
