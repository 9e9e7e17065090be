import { connect as connectTcp, isIP, type LookupFunction, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { buildConnector } from 'undici';
import type { AddressGuard } from './address-guard.js';
import type { AttemptErrorClass } from './attempt-outcome.js';
import type { ResolveName } from './resolve-name.js';

export interface ConnectSettings {
  readonly guard: Pick<AddressGuard, 'refusalOf'>;
  readonly resolve: ResolveName;
  /** Over name, TCP and TLS. */
  readonly connectMs: number;
  /** PEM. Without them, those that Node trusts. */
  readonly trustedCertificates: readonly string[] | undefined;
}

/** No connection came about. The code of undici's own errors would have it try again by itself. */
export class ConnectionFailed extends Error {
  constructor(
    readonly errorClass: AttemptErrorClass,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** As undici wants it; what it gives back cuts the connection off, made or not. */
export type Connector = (...args: Parameters<buildConnector.connector>) => () => void;

/** A name may have any number of addresses; no more are tried. */
const addressesMax = 8;
const addressMs = 1_000;

/**
 * Connects to allowed addresses only. A literal is judged before, because Node asks no lookup for it; of a name's
 * addresses only those that pass are handed on, so that the one that is connected to is one that was judged; and
 * the address on the other end is judged once more before the first byte is sent. A session is never resumed:
 * a resumed one would not compare the certificate with the name again.
 */
export function guardedConnector(settings: ConnectSettings): Connector {
  const lookup = guardedLookup(settings);
  return ({ hostname, port, protocol }, callback) => {
    const refusal = isIP(hostname) ? settings.guard.refusalOf(hostname) : null;
    if (refusal !== null) {
      queueMicrotask(() => callback(new ConnectionFailed('blocked_address', refusal), null));
      return () => undefined;
    }
    const isSecure = protocol === 'https:';
    return connect(
      { ...settings, lookup, hostname, port: Number(port || (isSecure ? 443 : 80)), isSecure },
      (failure, socket) => (failure ? callback(failure, null) : callback(null, socket!)),
    );
  };
}

/** In the form that net.connect takes. */
export function guardedLookup({
  guard,
  resolve,
}: Pick<ConnectSettings, 'guard' | 'resolve'>): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname).then(
      (addresses) => {
        const [first, ...rest] = addresses
          .filter((address) => isIP(address) !== 0 && guard.refusalOf(address) === null)
          .slice(0, addressesMax)
          .map((address) => ({ address, family: isIP(address) }));
        if (first === undefined) callback(refusalOf(hostname, addresses, guard), '');
        else if (options.all) callback(null, [first, ...rest]);
        else callback(null, first.address, first.family);
      },
      (error: Error) => {
        callback(new ConnectionFailed('dns', `no address of ${hostname} was found`, { cause: error }), '');
      },
    );
  };
}

function refusalOf(
  hostname: string,
  addresses: readonly string[],
  guard: ConnectSettings['guard'],
): ConnectionFailed {
  const [address] = addresses;
  if (address === undefined) return new ConnectionFailed('dns', `${hostname} has no address`);
  return new ConnectionFailed(
    'blocked_address',
    `${hostname} is ${address}: ${guard.refusalOf(address) ?? 'not an address'}`,
  );
}

interface Destination extends ConnectSettings {
  readonly lookup: LookupFunction;
  readonly hostname: string;
  readonly port: number;
  readonly isSecure: boolean;
}

function connect(
  to: Destination,
  callback: (failure: ConnectionFailed | null, socket?: Socket) => void,
): () => void {
  let isSettled = false;
  let secured: TLSSocket | undefined;
  const socket = connectTcp({
    host: to.hostname,
    port: to.port,
    lookup: to.lookup,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: addressMs,
    noDelay: true,
  });
  const limit = setTimeout(
    () => fail('timeout', new Error(`no connection within ${to.connectMs} ms`)),
    to.connectMs,
  );

  function fail(errorClass: AttemptErrorClass, cause: Error) {
    if (isSettled) return;
    isSettled = true;
    clearTimeout(limit);
    secured?.destroy();
    socket.destroy();
    callback(
      cause instanceof ConnectionFailed ? cause : new ConnectionFailed(errorClass, cause.message, { cause }),
    );
  }

  function succeed(connected: Socket) {
    if (isSettled) return;
    isSettled = true;
    clearTimeout(limit);
    callback(null, connected);
  }

  const lost = () => fail(secured ? 'tls' : 'connect', new Error('the connection was closed'));
  socket.on('error', (error) => fail(secured ? 'tls' : 'connect', error));
  socket.once('close', lost);
  socket.once('connect', () => {
    const refusal = to.guard.refusalOf(socket.remoteAddress ?? '');
    if (refusal !== null) return fail('blocked_address', new Error(refusal));
    if (!to.isSecure) return succeed(socket);
    const tls = (secured = secure(socket, to));
    tls.once('secureConnect', () => succeed(tls));
    tls.on('error', (error: Error) => fail('tls', error));
    tls.once('close', lost);
  });
  return () => {
    const cause = new Error('given up');
    fail('aborted', cause);
    (secured ?? socket).destroy(cause);
  };
}

function secure(socket: Socket, { hostname, trustedCertificates }: Destination): TLSSocket {
  return connectTls({
    socket,
    host: hostname,
    // An address is no server name; the certificate is compared with the address then.
    ...(isIP(hostname) ? {} : { servername: hostname }),
    ...(trustedCertificates ? { ca: [...trustedCertificates] } : {}),
    ALPNProtocols: ['http/1.1'],
    minVersion: 'TLSv1.2',
    rejectUnauthorized: true,
  });
}
