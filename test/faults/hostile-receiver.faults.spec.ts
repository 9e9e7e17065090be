import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { until } from '../support/delivery-fixtures.js';
import { faultRun, inSeconds, reportFigures } from '../support/fault-run.js';
import { Fleet, type FleetEndpoint } from '../support/fleet.js';
import { IdempotentLoad } from '../support/idempotent-load.js';
import {
  answering,
  dripping,
  httpAnswer,
  pouring,
  RawReceiver,
  type Behaviour,
} from '../support/raw-receiver.js';
import { compareWithJournal, expectSame, untilDelivered } from '../support/same-events.js';
import { seededRandom } from '../support/seeded-random.js';
import { uuidOf } from '../support/webhook-fixtures.js';

const { isShort } = faultRun();
const endpointsPerKind = 5;
const windowMs = isShort ? 5_000 : 60_000;
/** The heap grows to its usual size before it is measured. */
const warmUpMs = isShort ? 5_000 : 30_000;
const perSecond = 20;
const attemptMsMax = 15_500;
const mebibyte = 1_024 * 1_024;
const grownBytesMax = 100 * mebibyte;

const answerHead = 'HTTP/1.1 200 OK\r\n';
/** Just small enough to be read to its end: who unpacks it has a thousand times as much. */
const bomb = gzipSync(Buffer.alloc(60 * mebibyte));

interface Attempts {
  readonly attempts: number;
  readonly slowest_ms: number;
  readonly outcomes: readonly string[];
  /** Deliveries that count as made. */
  readonly succeeded: number;
}

let fleet: Fleet;
let forbidden: RawReceiver;
const receivers: RawReceiver[] = [];

beforeAll(async () => {
  fleet = await Fleet.start();
  // This machine has more addresses than the one that webhooks may go to.
  await fleet.up('dispatcher', { env: { WEBHOOK_ALLOWED_RANGES: '127.0.0.1/32' } });
  forbidden = await RawReceiver.start(answering(httpAnswer(200)), { host: '127.0.0.2' });
}, 120_000);

afterAll(async () => {
  await fleet.stop();
  await Promise.all([forbidden, ...receivers].map((receiver) => receiver.stop()));
}, 60_000);

/** By kind: what the receiver does, and how each attempt at it is to end. */
const kinds = (): Readonly<Record<string, readonly [Behaviour, outcome: string]>> => ({
  'endless body': [pouring(`${answerHead}\r\n`, Buffer.alloc(65_536, 'a')), '200 response_too_large'],
  'gzip bomb': [answering(httpAnswer(200, bomb, 'content-encoding: gzip')), '200 none'],
  '1 byte/s': [dripping(`${answerHead}content-length: 1000000\r\n\r\n`, 'x', 1_000), 'no timeout'],
  '302 to a blocked address': [answering(httpAnswer(302, '', `location: ${forbidden.url()}`)), '302 none'],
});

async function addHostile(behave: Behaviour): Promise<readonly FleetEndpoint[]> {
  const receiver = await RawReceiver.start(behave);
  receivers.push(receiver);
  const names = Array.from({ length: endpointsPerKind }, (_, n) => `hostile-${receiver.port}-${n}`);
  return fleet.addEndpoints(names, { url: receiver.url() });
}

/** Of the dispatcher; the largest of what is seen until it is stopped. */
function watchMemory() {
  let bytes = 0;
  let isStopped = false;
  const path = `/proc/${fleet.get('dispatcher').pid}/status`;
  const watching = (async () => {
    for (; !isStopped; await sleep(50)) {
      bytes = Math.max(bytes, 1_024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(await readFile(path, 'utf8'))?.[1]));
    }
  })();
  return async () => {
    isStopped = true;
    await watching;
    return bytes;
  };
}

async function attemptsAt(endpoints: readonly FleetEndpoint[]): Promise<Attempts> {
  const { rows } = await fleet.db.query<Attempts>(
    `SELECT count(*)::integer AS attempts, coalesce(max(duration_ms), 0) AS slowest_ms,
      array_agg(DISTINCT coalesce(status_code::text, 'no') || ' ' || coalesce(error_class, 'none')) AS outcomes,
      (SELECT count(*)::integer FROM dispatcher.deliveries
        WHERE endpoint_id = ANY ($1) AND status = 'succeeded') AS succeeded
    FROM dispatcher.attempts WHERE endpoint_id = ANY ($1)`,
    [endpoints.map(({ id }) => uuidOf(id))],
  );
  return rows[0]!;
}

test(
  'receivers send without end, a bomb, a byte a second, and elsewhere: each attempt ends in time, and memory stays',
  async () => {
    const random = seededRandom();
    const healthy = await fleet.addEndpoints(
      Array.from({ length: 2 * endpointsPerKind }, (_, n) => `ok-${n}`),
    );
    const accountIds = await fleet.openAccounts(10);
    const load = () => new IdempotentLoad({ client: fleet.client, accountIds, random, perSecond });
    const usual = watchMemory();
    const before = load();
    await sleep(warmUpMs);
    await before.stop();
    await untilDelivered(fleet);
    const usualBytes = await usual();

    const hostile = new Map<string, readonly FleetEndpoint[]>();
    for (const [kind, [behave]] of Object.entries(kinds())) hostile.set(kind, await addHostile(behave));
    const watched = watchMemory();
    const during = load();
    await sleep(windowMs);
    await during.stop();
    await untilDelivered(fleet, healthy);
    for (const [kind, endpoints] of hostile) {
      const hasEnded = async () => (await attemptsAt(endpoints)).attempts >= endpointsPerKind;
      await until(`attempts at ${kind} have ended`, hasEnded, 60);
    }
    const grownBytes = (await watched()) - usualBytes;
    const difference = await compareWithJournal(fleet, healthy);
    const attempts = new Map<string, Attempts>();
    for (const [kind, endpoints] of hostile) attempts.set(kind, await attemptsAt(endpoints));
    reportFigures('hostile receiver', {
      endpoints: endpointsPerKind * hostile.size,
      ...Object.fromEntries(
        [...attempts].map(([kind, { attempts: count, slowest_ms: ms }]) => [
          kind,
          `${count} attempts, slowest ${inSeconds(ms)}`,
        ]),
      ),
      'memory of the dispatcher before': `${Math.round(usualBytes / mebibyte)} MiB`,
      'and at most': `+${Math.round(grownBytes / mebibyte)} MiB`,
      'lost by others': difference.lost.length,
    });
    for (const [kind, [, outcome]] of Object.entries(kinds())) {
      expect([kind, attempts.get(kind)?.outcomes]).toEqual([kind, [outcome]]);
      expect(attempts.get(kind)!.succeeded > 0).toBe(outcome.startsWith('200'));
      expect(attempts.get(kind)?.slowest_ms).toBeLessThanOrEqual(attemptMsMax);
    }
    expect(forbidden.opened).toBe(0);
    expect(grownBytes).toBeLessThanOrEqual(grownBytesMax);
    expectSame(difference);
  },
  240_000 + 2 * windowMs,
);
