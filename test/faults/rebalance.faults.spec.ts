import { setTimeout as sleep } from 'node:timers/promises';
import { faultRun, reportFigures } from '../support/fault-run.js';
import { Fleet } from '../support/fleet.js';
import { IdempotentLoad } from '../support/idempotent-load.js';
import { compareWithJournal, expectSame, untilDelivered } from '../support/same-events.js';
import { seededRandom } from '../support/seeded-random.js';

const { rounds } = faultRun();
const changeEveryMs = 3_000;
const endpointCount = 16;

let fleet: Fleet;

beforeAll(async () => {
  // Answers take a while, so that a shard is handed over in the middle of attempts.
  fleet = await Fleet.start({ receiver: { delayMs: 40 } });
  await fleet.up('dispatcher-0');
}, 120_000);

afterAll(() => fleet.stop(), 60_000);

const countRepeats = () => fleet.endpoints.reduce((total, { received }) => total + received.repeats, 0);

test(
  'a dispatcher is added and one removed every 3 s: nothing lost, no delivery twice, no event sent by two at once',
  async () => {
    const random = seededRandom();
    const names = Array.from({ length: endpointCount }, (_, n) => `endpoint-${n}`);
    await fleet.addEndpoints(names.slice(0, endpointCount / 2));
    await fleet.addEndpoints(names.slice(endpointCount / 2), { ordering: 'account' });
    const accountIds = await fleet.openAccounts(24);
    const load = new IdempotentLoad({ client: fleet.client, accountIds, random, perSecond: 40 });
    const repeats = { handedOver: 0, killed: 0 };
    let kills = 0;
    for (let round = 0; round < rounds; round++) {
      const added = fleet.up(`dispatcher-${round + 1}`);
      await Promise.all([added, sleep(changeEveryMs)]);
      // Every third is killed instead of asked to end.
      const isKilled = round % 3 === 1;
      if (isKilled) kills++;
      const before = countRepeats();
      const removed = isKilled ? fleet.kill(`dispatcher-${round}`) : fleet.end(`dispatcher-${round}`);
      await Promise.all([removed, sleep(changeEveryMs)]);
      repeats[isKilled ? 'killed' : 'handedOver'] += countRepeats() - before;
    }
    await load.stop();
    await untilDelivered(fleet);
    const difference = await compareWithJournal(fleet);
    reportFigures('rebalance', {
      rounds,
      'of them killed': kills,
      events: difference.events,
      deliveries: difference.events * endpointCount,
      lost: difference.lost.length,
      invented: difference.invented.length,
      'duplicate rows': difference.duplicateRows,
      'sent by two at once': difference.atOnce,
      'received again after an end': repeats.handedOver,
      'after a kill': repeats.killed,
      'out of order': fleet.endpoints
        .slice(endpointCount / 2)
        .reduce((total, { received }) => total + received.outOfOrder.length, 0),
    });
    expectSame(difference);
    expect(difference.atOnce).toBe(0);
    for (const { received } of fleet.endpoints.slice(endpointCount / 2)) {
      expect(received.outOfOrder).toEqual([]);
    }
  },
  180_000 + rounds * 30_000,
);
