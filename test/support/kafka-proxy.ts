import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { DelayLine } from './delay-line.js';

const PRODUCE = 0;

/**
 * A TCP connection to a broker on which acknowledgements can get lost: a produce request passes and is applied, and
 * its answer never arrives; the connection is cut in its place, or stays and is silent. Connections can be cut and be
 * slow as well.
 */
export class KafkaProxy {
  private toLose = 0;
  private isSilent = false;
  private targetPort = 0;
  private delayMs = 0;
  private readonly sockets = new Set<Socket>();
  /** Acknowledgements that were lost. */
  lost = 0;

  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  static async start(): Promise<KafkaProxy> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const proxy = new KafkaProxy(server, (server.address() as AddressInfo).port);
    server.on('connection', (client) => proxy.join(client));
    return proxy;
  }

  passTo(port: number): void {
    this.targetPort = port;
  }

  loseNext(count: number, { isSilent = false } = {}): void {
    this.toLose = count;
    this.isSilent = isSilent;
  }

  /** From now on everything arrives so much later, in both directions; 0: at once. */
  slow(delayMs: number): void {
    this.delayMs = delayMs;
  }

  /** Ends the connections that are chosen; all of them unless told otherwise. */
  cut(isChosen: () => boolean = () => true): void {
    for (const socket of [...this.sockets]) if (isChosen()) socket.destroy();
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private join(client: Socket): void {
    const upstream = connect(this.targetPort, '127.0.0.1');
    const produced = new Set<number>();
    const [sent, answered] = [new DelayLine(() => this.delayMs), new DelayLine(() => this.delayMs)];
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      this.sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.sockets.delete(socket);
        other.destroy();
        sent.drop();
        answered.drop();
      });
    }
    // A request is its length, its kind, the kind's version, its number, and more.
    client.on(
      'data',
      framesOf((frame) => {
        if (frame.readInt16BE(4) === PRODUCE) produced.add(frame.readInt32BE(8));
        sent.send(() => upstream.write(frame));
      }),
    );
    // An answer is its length, the request's number, and more.
    upstream.on(
      'data',
      framesOf((frame) => {
        if (!produced.delete(frame.readInt32BE(4)) || this.toLose === 0) {
          answered.send(() => client.write(frame));
          return;
        }
        this.toLose--;
        this.lost++;
        if (!this.isSilent) client.destroy();
      }),
    );
  }
}

/** Calls with each whole frame, its length included. */
function framesOf(onFrame: (frame: Buffer) => void): (chunk: Buffer) => void {
  let rest = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
      const length = 4 + rest.readInt32BE(0);
      onFrame(rest.subarray(0, length));
      rest = rest.subarray(length);
    }
  };
}
