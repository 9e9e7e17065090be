import { lookup, Resolver } from 'node:dns/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { isLoopbackName } from './endpoint-url.js';

/** All addresses of a name, IPv4 first; rejects where it has none. */
export type ResolveName = (hostname: string) => Promise<readonly string[]>;

const queryMs = 1_500;
const queryTries = 2;
/** How long a name that already has IPv4 addresses is waited for its others (RFC 8305). */
const resolutionDelayMs = 50;
const resolver = new Resolver({ timeout: queryMs, tries: queryTries });

/**
 * Asks the name servers directly. Node's usual lookup waits in one of two threads, so that two names whose
 * servers never answer would stop the deliveries of everybody else. Names without a dot belong to the machine's
 * own network (a container's name), where no stranger's server is asked, and are looked up the usual way.
 */
export const resolveName: ResolveName = async (hostname) => {
  if (isLoopbackName(hostname)) return ['127.0.0.1', '::1'];
  if (!/\../.test(hostname)) return (await lookup(hostname, { all: true })).map(({ address }) => address);
  const [four, six] = [orFailure(resolver.resolve4(hostname)), orFailure(resolver.resolve6(hostname))];
  const addresses = await four;
  if (addresses instanceof Error) {
    const others = await six;
    if (others instanceof Error) throw addresses;
    return others;
  }
  const others = await Promise.race([six, sleep(resolutionDelayMs, [], { ref: false })]);
  return others instanceof Error ? addresses : [...addresses, ...others];
};

function orFailure(query: Promise<string[]>): Promise<string[] | Error> {
  return query.catch((error: Error) => error);
}
