import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../support/delivery-fixtures.js';
import { faultRun, inSeconds, reportFigures } from '../support/fault-run.js';
import { Fleet } from '../support/fleet.js';
import { IdempotentLoad } from '../support/idempotent-load.js';
import type { Product } from '../support/product.js';
import { compareWithJournal, expectSame, untilDelivered } from '../support/same-events.js';
import { seededRandom } from '../support/seeded-random.js';

const { isShort, rounds } = faultRun();
/** Each takes the time after which the server ends a silent session. */
const freezes = isShort ? 1 : Math.ceil(rounds / 4);
const heldMin = 4;

let fleet: Fleet;

beforeAll(async () => {
  fleet = await Fleet.start();
  await fleet.up('dispatcher-0');
}, 120_000);

afterAll(() => fleet.stop(), 60_000);

test(
  'a dispatcher is frozen until another has taken over: what it writes when it wakes changes nothing',
  async () => {
    const random = seededRandom();
    await fleet.addEndpoints(['any-order-1', 'any-order-2']);
    await fleet.addEndpoints(['by-account'], { ordering: 'account' });
    const accountIds = await fleet.openAccounts(24);
    await untilDelivered(fleet);
    const takeoversMs: number[] = [];
    let refused = 0;
    for (let round = 0; round < freezes; round++) {
      const load = new IdempotentLoad({ client: fleet.client, accountIds, random, perSecond: 60 });
      const frozen = fleet.get(`dispatcher-${round}`);
      await sleep(500);
      fleet.receiver.answerTo = () => 'hold';
      await until('attempts are under way', () => fleet.receiver.heldCount >= heldMin);
      await frozen.kill('SIGSTOP');
      const frozenAtMs = performance.now();
      const late = fleet.receiver.heldCount;
      fleet.receiver.answerTo = () => 200;
      // These answers are in its sockets when it wakes, and say the opposite of what is true by then.
      fleet.receiver.release(500);
      const accepted = () => fleet.endpoints.map(({ received }) => received.accepted.size);
      const before = accepted();
      await fleet.up(`dispatcher-${round + 1}`);
      await until('another has taken over', () => accepted().every((n, at) => n > (before[at] ?? 0)), 60);
      takeoversMs.push(performance.now() - frozenAtMs);
      await load.stop();
      await untilDelivered(fleet);
      const settled = await stateOfDeliveries();

      await frozen.kill('SIGCONT');
      await until('its late results are refused', async () => (await refusedBy(frozen)) >= late, 60);
      refused += await refusedBy(frozen);
      expect(await stateOfDeliveries()).toEqual(settled);
      expectSame(await compareWithJournal(fleet));
      await fleet.end(`dispatcher-${round}`);
    }
    const after = new IdempotentLoad({ client: fleet.client, accountIds, random, perSecond: 60 });
    await sleep(1_000);
    await after.stop();
    await untilDelivered(fleet);
    const difference = await compareWithJournal(fleet);
    reportFigures('frozen dispatcher', {
      freezes,
      events: difference.events,
      lost: difference.lost.length,
      invented: difference.invented.length,
      'received again': difference.repeats,
      'late results refused': refused,
      'slowest takeover': inSeconds(Math.max(...takeoversMs)),
    });
    expectSame(difference);
    expect(fleet.endpoints[2]?.received.outOfOrder).toEqual([]);
  },
  120_000 + freezes * 120_000,
);

/** All that a result changes. */
async function stateOfDeliveries() {
  const { rows } = await fleet.db.query(
    `SELECT d.id, d.status, d.attempts, d.last_status_code, d.next_attempt_at,
      (SELECT count(*) FROM dispatcher.attempts a WHERE a.day = d.day AND a.delivery_id = d.id) AS logged
    FROM dispatcher.deliveries d ORDER BY d.id`,
  );
  return rows;
}

async function refusedBy(dispatcher: Product): Promise<number> {
  const metrics = await (await fetch(`${dispatcher.url}/metrics`)).text();
  return Number(/^dispatcher_refused_results_total (\d+)/m.exec(metrics)?.[1] ?? 0);
}
