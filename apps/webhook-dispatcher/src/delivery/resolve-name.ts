import { lookup, Resolver } from 'node:dns/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { isLoopbackName } from './endpoint-url.js';

/** All addresses of a name, IPv4 first; rejects where it has none. */
export type ResolveName = (hostname: string) => Promise<readonly string[]>;

const queryMs = 1_500;
const queryTries = 2;
/** How long a name that already has IPv4 addresses is waited for its others (RFC 8305). */
const resolutionDelayMs = 50;

/**
 * Asks the name servers directly (the machine's own, where none are named). Node's usual lookup waits in one of
 * two threads, so that two names whose servers never answer would stop the deliveries of everybody else. Names
 * without a dot belong to the machine's own network (a container's name), where no stranger's server is asked,
 * and are looked up the usual way.
 */
export class NameResolver {
  private readonly resolver = new Resolver({ timeout: queryMs, tries: queryTries });

  constructor(servers?: readonly string[]) {
    if (servers) this.resolver.setServers(servers);
  }

  async resolve(hostname: string): Promise<readonly string[]> {
    if (isLoopbackName(hostname)) return ['127.0.0.1', '::1'];
    if (!/\../.test(hostname)) return (await lookup(hostname, { all: true })).map(({ address }) => address);
    const [four, six] = [found(this.resolver.resolve4(hostname)), found(this.resolver.resolve6(hostname))];
    const first = await four;
    if (first.addresses.length > 0) {
      const others = await Promise.race([six, sleep(resolutionDelayMs, none, { ref: false })]);
      return [...first.addresses, ...others.addresses];
    }
    const { addresses } = await six;
    if (addresses.length === 0 && first.error) throw first.error;
    return addresses;
  }

  /** What has not been answered rejects. */
  stop(): void {
    this.resolver.cancel();
  }
}

interface Found {
  readonly addresses: readonly string[];
  readonly error: Error | null;
}

const none: Found = { addresses: [], error: null };

/** Names that have addresses of one family have an error for the other. */
function found(query: Promise<string[]>): Promise<Found> {
  return query.then(
    (addresses) => ({ addresses, error: null }),
    (error: Error) => ({ addresses: [], error }),
  );
}
