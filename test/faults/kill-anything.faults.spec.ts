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
import { seededRandom } from '../support/seeded-random.js';
import { expectVerified } from '../support/verify.js';

const { rounds } = faultRun();
const members = ['api', 'worker', 'dispatcher-1', 'dispatcher-2'];
const killsPerRound = 3;

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
    const kills: string[] = [];
    let repeated = 0;
    for (let round = 0; round < rounds; round++) {
      const load = new IdempotentLoad({ client: fleet.client, accountIds, random, perSecond: 120 });
      for (let n = 0; n < killsPerRound; n++) {
        await sleep(300 + random.below(900));
        const killed = random.pick(members);
        await fleet.kill(killed);
        kills.push(killed);
        await sleep(random.below(500));
        await fleet.up(killed);
      }
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
      kills: kills.length,
      ...Object.fromEntries(members.map((name) => [name, kills.filter((killed) => killed === name).length])),
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
