import { setTimeout as sleep } from 'node:timers/promises';
import { faultRun, inSeconds, reportFigures } from '../support/fault-run.js';
import { Fleet, type FleetEndpoint } from '../support/fleet.js';
import { IdempotentLoad } from '../support/idempotent-load.js';
import { compareWithJournal, expectSame, untilDelivered } from '../support/same-events.js';
import { seededRandom } from '../support/seeded-random.js';

const { isShort } = faultRun();
const endpointCount = 100;
const hungCount = 20;
/** An attempt at a hung endpoint takes 15 s: what they hold up shows within that time. */
const windowMs = isShort ? 20_000 : 40_000;
const windowBeforeMs = windowMs / 2;
const keptPercentMin = isShort ? 80 : 95;
const perSecond = 10;

let fleet: Fleet;

beforeAll(async () => {
  fleet = await Fleet.start();
  await fleet.up('dispatcher-1');
}, 120_000);

afterAll(() => fleet.stop(), 60_000);

/** What the endpoints receive in a window, of each 100 that are posted for them in it. */
async function percentReceived(
  healthy: readonly FleetEndpoint[],
  load: () => IdempotentLoad,
  windowMs: number,
) {
  const received = () => healthy.reduce((total, { received: { ids } }) => total + ids.size, 0);
  const before = received();
  const posting = load();
  await sleep(windowMs);
  const arrived = received() - before;
  const posted = posting.answered.size * healthy.length;
  return { posting, arrived, percent: (100 * arrived) / posted };
}

test(
  '20 of 100 endpoints accept and never answer: the other 80 receive what they did before',
  async () => {
    const random = seededRandom();
    const names = Array.from({ length: endpointCount }, (_, n) => `endpoint-${n}`);
    const endpoints = await fleet.addEndpoints(names);
    const hung = new Set(names.slice(0, hungCount));
    const healthy = endpoints.slice(hungCount);
    const accountIds = await fleet.openAccounts(10);
    await untilDelivered(fleet);
    const load = () => new IdempotentLoad({ client: fleet.client, accountIds, random, perSecond });

    const before = await percentReceived(healthy, load, windowBeforeMs);
    await before.posting.stop();
    await untilDelivered(fleet);

    fleet.receiver.answerTo = (name) => (hung.has(name) ? 'hold' : 200);
    const during = await percentReceived(healthy, load, windowMs);
    await during.posting.stop();
    await untilDelivered(fleet, healthy);
    const kept = (100 * during.percent) / before.percent;
    const difference = await compareWithJournal(fleet, healthy);
    reportFigures('hung endpoints', {
      window: inSeconds(windowMs),
      'received of what was posted before': `${before.percent.toFixed(1)} %`,
      'with 20 of 100 hung': `${during.percent.toFixed(1)} %`,
      'the other 80 keep': `${kept.toFixed(1)} %`,
      'received per second': Math.round((1_000 * during.arrived) / windowMs),
      'hung attempts open': fleet.receiver.heldCount,
      lost: difference.lost.length,
    });
    expectSame(difference);
    expect(fleet.receiver.heldCount).toBeGreaterThan(0);
    expect(kept).toBeGreaterThanOrEqual(keptPercentMin);
  },
  240_000 + 2 * windowMs,
);
