import { until } from '../support/delivery-fixtures.js';
import { faultRun, inSeconds, reportFigures } from '../support/fault-run.js';
import { Fleet } from '../support/fleet.js';
import { IdempotentLoad } from '../support/idempotent-load.js';
import { compareWithJournal, expectSame, untilDelivered } from '../support/same-events.js';
import { seededRandom } from '../support/seeded-random.js';

const { rounds } = faultRun();
const eventsPerRound = 2_000;

let fleet: Fleet;

beforeAll(async () => {
  fleet = await Fleet.start();
}, 120_000);

afterAll(() => fleet.stop(), 60_000);

test(
  'kill -9 of the dispatcher amid 2,000 events: none is lost, and only what was under way comes again',
  async () => {
    const random = seededRandom();
    await fleet.up('dispatcher-0');
    const [endpoint] = await fleet.addEndpoints(['endpoint']);
    const { received } = endpoint!;
    const accountIds = await fleet.openAccounts(24);
    const repeats: number[] = [];
    const underWay: number[] = [];
    const lastMs: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const before = { ids: received.ids.size, repeats: received.repeats };
      const load = new IdempotentLoad({
        client: fleet.client,
        accountIds,
        random,
        clients: 64,
        postsMax: eventsPerRound,
      });
      const killAfter = 200 + random.below(eventsPerRound - 700);
      await until('enough is received', () => received.ids.size - before.ids >= killAfter, 60);
      await fleet.kill(`dispatcher-${round}`);
      underWay.push(await countUnderWay());
      const restartedAtMs = performance.now();
      await Promise.all([load.finished(), fleet.up(`dispatcher-${round + 1}`)]);
      await untilDelivered(fleet);
      const arrivals = [...received.firstAtMs.values()];
      lastMs.push(Math.max(...arrivals.slice(before.ids)) - restartedAtMs);
      repeats.push(received.repeats - before.repeats);
      expectSame(await compareWithJournal(fleet));
      expect(received.ids.size - before.ids).toBeGreaterThanOrEqual(eventsPerRound);
      expect(repeats.at(-1)).toBeLessThanOrEqual(underWay.at(-1) ?? 0);
    }
    const { events, lost } = await compareWithJournal(fleet);
    reportFigures('kill dispatcher', {
      rounds,
      events,
      lost: lost.length,
      'received again, at most': Math.max(...repeats),
      'claimed at the kill, at most': Math.max(...underWay),
      'last one after restart, at most': inSeconds(Math.max(...lastMs)),
    });
  },
  60_000 + rounds * 120_000,
);

/** Deliveries that the killed one had claimed. */
async function countUnderWay(): Promise<number> {
  const { rows } = await fleet.db.query<{ count: number }>(
    `SELECT count(*)::integer AS count FROM dispatcher.deliveries WHERE status = 'delivering'`,
  );
  return rows[0]?.count ?? 0;
}
