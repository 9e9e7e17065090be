import { setTimeout as sleep } from 'node:timers/promises';
import { faultRun, reportFigures } from '../support/fault-run.js';
import { Fleet } from '../support/fleet.js';
import { IdempotentLoad } from '../support/idempotent-load.js';
import {
  compareWithJournal,
  expectAnsweredOnce,
  expectSame,
  untilDelivered,
} from '../support/same-events.js';
import { seededRandom, type SeededRandom } from '../support/seeded-random.js';
import { expectVerified } from '../support/verify.js';

const { rounds } = faultRun();
const members = ['api', 'worker', 'dispatcher-1', 'dispatcher-2'];

let fleet: Fleet;

beforeAll(async () => {
  fleet = await Fleet.start({ isSplit: true, receiver: { delayMs: 5 } });
  await fleet.up('dispatcher-1');
  await fleet.up('dispatcher-2');
}, 120_000);

afterAll(() => fleet.stop(), 60_000);

test(
  'after kill -9 of the ledger, its worker and dispatchers: journal = deliveries = receiver log',
  async () => {
    const random = seededRandom();
    await fleet.addEndpoints(['any-order']);
    const [ordered] = await fleet.addEndpoints(['by-account'], { ordering: 'account' });
    const accountIds = await fleet.openAccounts(24);
    const answered = new Set<string>();
    let kills = 0;
    let repeated = 0;
    for (let round = 0; round < rounds; round++) {
      const load = new IdempotentLoad({ client: fleet.client, accountIds, random, perSecond: 100 });
      const starting: Promise<unknown>[] = [];
      // Each once in a round, in any order; some are down at the same time.
      for (const killed of shuffled(members, random)) {
        await sleep(300 + random.below(1_500));
        await fleet.kill(killed);
        kills++;
        starting.push(sleep(random.below(500)).then(() => fleet.up(killed)));
      }
      await Promise.all(starting);
      await load.stop();
      repeated += load.repeated;
      for (const key of load.answered) answered.add(key);
      await untilDelivered(fleet);
      expectSame(await compareWithJournal(fleet));
      expect(ordered?.received.outOfOrder).toEqual([]);
      await expectAnsweredOnce(fleet, answered);
      await expectVerified(fleet.database.ownerUrl);
    }
    const { events, lost, invented, repeats, atOnce } = await compareWithJournal(fleet);
    reportFigures('kill anything', {
      rounds,
      kills,
      events,
      'posted again': repeated,
      lost: lost.length,
      invented: invented.length,
      'received again': repeats,
      'sent by two at once': atOnce,
      'out of order': ordered?.received.outOfOrder.length ?? 0,
    });
  },
  120_000 + rounds * 90_000,
);

function shuffled<T>(items: readonly T[], random: SeededRandom): T[] {
  const left = [...items];
  return items.map(() => left.splice(random.below(left.length), 1)[0]!);
}
