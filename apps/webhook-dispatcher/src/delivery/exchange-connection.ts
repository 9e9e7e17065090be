import type { Socket } from 'node:net';
import { Client, type Dispatcher } from 'undici';
import type { Exchange, ExchangeLine } from './exchange.js';
import type { Connector } from './guarded-connect.js';

export interface ExchangeOptions extends Dispatcher.DispatchOptions {
  readonly exchange: Exchange;
}

/**
 * A connection with one exchange at a time, which can cut it off. Aborting a request would have undici connect
 * anew at once, to a receiver that has just hung.
 */
export class ExchangeConnection extends Client implements ExchangeLine {
  private readonly line: Line;

  constructor(origin: URL, options: Client.Options, connect: Connector) {
    const line: Line = { cutOff: () => undefined, socket: undefined, exchange: undefined };
    super(origin, {
      ...options,
      pipelining: 1,
      connect: (to, callback) => {
        line.cutOff = connect(to, (...[error, socket]) => {
          if (error) return callback(error, null);
          line.socket = socket;
          socket.on('readable', () => line.exchange?.onWireBytes(socket.bytesRead));
          callback(null, socket);
        });
      },
    });
    this.line = line;
  }

  get wireBytes(): number {
    return this.line.socket?.bytesRead ?? 0;
  }

  override dispatch(options: ExchangeOptions, handler: Dispatcher.DispatchHandler): boolean {
    // It waited for a connection until its time was up: what was not sent is not sent any more.
    if (options.exchange.isOver) return true;
    options.exchange.runOn(this);
    this.line.exchange = options.exchange;
    return super.dispatch(options, handler);
  }

  cutOff(): void {
    this.line.cutOff();
  }
}

/** What is on the wire now. */
interface Line {
  cutOff: () => void;
  socket: Socket | undefined;
  exchange: Exchange | undefined;
}
