import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * Below the ports that a kernel gives to connections going out (from 32,768 on Linux, 49,152 elsewhere), which
 * would otherwise take the port between this answer and the listener's start.
 */
const PORT_MIN = 16_384;
const SLICES = 64;
const SLICE_LENGTH = 250;

let next = randomInt(SLICE_LENGTH);

/**
 * A port that nothing listens on, at any address of this machine. Processes that look at the same moment, such
 * as the workers of a test run, look in different slices; one process gets the same port again only when it has
 * been through all the others of its slice.
 */
export async function findFreePort(): Promise<number> {
  const first = PORT_MIN + (process.pid % SLICES) * SLICE_LENGTH;
  for (let tried = 0; tried < SLICE_LENGTH; tried += 1) {
    const port = first + next;
    next = (next + 1) % SLICE_LENGTH;
    if ((await tryToListen(port)) === undefined) return port;
  }
  throw new Error(`Ports ${first} to ${first + SLICE_LENGTH - 1} are all in use.`);
}

/** Why this port can't be listened on, or nothing where it can. */
export function tryToListen(port: number): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', resolve);
    probe.listen(port, () => probe.close(() => resolve(undefined)));
  });
}
