import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { DelayLine } from './delay-line.js';

/**
 * What happens to the bytes that were waited for, on their connection:
 * `cut-before`: they never arrive, and both ends see the connection end.
 * `cut-after`: they arrive; then both ends see it end, and no answer comes back.
 * `hold`: neither they nor anything that came with or after them passes, in either direction, until `release`.
 * `hold-from`: what came in front of them passes, and then nothing until `release`.
 */
export type Fault = 'cut-before' | 'cut-after' | 'hold' | 'hold-from';

interface Armed {
  readonly bytes: string;
  readonly fault: Fault;
  readonly happened: () => void;
}

/**
 * A TCP connection, such as one to Postgres, that can be made to fail at one exact moment, when the client sends
 * something, to be cut at any, and to be slow.
 */
export class TcpProxy {
  private readonly armed: Armed[] = [];
  private readonly sockets = new Set<Socket>();
  private readonly held: (() => void)[] = [];
  /** Towards the target: all that was sent is still to arrive there. */
  private readonly ending = new WeakSet<Socket>();
  private delayMs = 0;

  private constructor(
    private readonly server: Server,
    /** The target's URL, with the proxy in its place. */
    readonly url: string,
  ) {}

  static async start(targetUrl: string): Promise<TcpProxy> {
    const target = new URL(targetUrl);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = new URL(targetUrl);
    url.hostname = '127.0.0.1';
    url.port = String((server.address() as AddressInfo).port);
    const proxy = new TcpProxy(server, url.toString());
    server.on('connection', (client) => proxy.join(client, target));
    return proxy;
  }

  /** The next connection that sends these bytes fails so, once. Resolves when it has. */
  once(bytes: string, fault: Fault): Promise<void> {
    return new Promise((happened) => this.armed.push({ bytes, fault, happened }));
  }

  /** What was to fail and has not does not. */
  disarm(): void {
    this.armed.length = 0;
  }

  /** From now on everything arrives so much later, in both directions; 0: at once. */
  slow(delayMs: number): void {
    this.delayMs = delayMs;
  }

  /** Lets everything that is held pass. */
  release(): void {
    for (const pass of this.held.splice(0)) pass();
  }

  /** Ends every connection; what is held on one never arrives. */
  cut(): void {
    this.held.length = 0;
    for (const socket of this.sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private join(client: Socket, target: URL): void {
    const upstream = connect(Number(target.port), target.hostname);
    const [sent, answered] = [new DelayLine(() => this.delayMs), new DelayLine(() => this.delayMs)];
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      socket.setNoDelay(true);
      this.sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.sockets.delete(socket);
        // A reset would make the server forget what has arrived and is not read yet.
        if (this.ending.has(other)) other.end();
        else other.destroy();
        sent.drop();
        answered.drop();
      });
    }
    client.on('data', (chunk) => sent.send(() => this.forward(chunk, client, upstream)));
    upstream.on('data', (chunk) => {
      if (!client.destroyed) answered.send(() => client.write(chunk));
    });
  }

  private forward(chunk: Buffer, client: Socket, upstream: Socket): void {
    const index = this.armed.findIndex(({ bytes }) => chunk.includes(bytes));
    const [armed] = index < 0 ? [] : this.armed.splice(index, 1);
    switch (armed?.fault) {
      case undefined:
        upstream.write(chunk);
        return;
      case 'cut-before':
        client.destroy();
        break;
      case 'cut-after':
        this.ending.add(upstream);
        upstream.write(chunk, () => client.destroy());
        break;
      case 'hold':
        this.hold(chunk, client, upstream);
        break;
      case 'hold-from': {
        const from = chunk.indexOf(armed.bytes);
        upstream.write(chunk.subarray(0, from));
        this.hold(chunk.subarray(from), client, upstream);
        break;
      }
    }
    armed?.happened();
  }

  private hold(bytes: Buffer, client: Socket, upstream: Socket): void {
    client.pause();
    upstream.pause();
    this.held.push(() => {
      upstream.write(bytes);
      client.resume();
      upstream.resume();
    });
  }
}
