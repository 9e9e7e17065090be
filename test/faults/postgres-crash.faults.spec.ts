import { setTimeout as sleep } from 'node:timers/promises';
import { eventIdOf } from '#contracts';
import { newKey, type Account, type One } from '../support/client.js';
import { until } from '../support/delivery-fixtures.js';
import { faultRun, inSeconds, reportFigures } from '../support/fault-run.js';
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
const recoveryMsMax = 10_000;

let fleet: Fleet;

beforeAll(async () => {
  fleet = await Fleet.start({ ownCluster: true });
  await fleet.up('dispatcher-1');
  await fleet.up('dispatcher-2');
}, 120_000);

afterAll(() => fleet.stop(), 60_000);

/** An event that is new, asked for again and again until it is taken: its id. */
async function newEvent(): Promise<string> {
  const key = newKey();
  for (;;) {
    const body = { name: 'After the crash', currency: 'EUR' };
    const answer = await fleet.client.post<One<Account>>('/v1/accounts', body, { key }).catch(() => null);
    if (answer?.status === 201) break;
    await sleep(20);
  }
  const { rows } = await fleet.db.query<{ id: string }>(
    'SELECT id FROM journal.events WHERE idempotency_key = $1',
    [key],
  );
  return rows[0]?.id ?? 'none';
}

test(
  'Postgres crashes under load: the processes recover alone in less than 10 s, and nothing is lost',
  async () => {
    const random = seededRandom();
    const [endpoint] = await fleet.addEndpoints(['any-order']);
    await fleet.addEndpoints(['by-account'], { ordering: 'account' });
    const accountIds = await fleet.openAccounts(24);
    const pids = fleet.names.map((name) => fleet.get(name).pid);
    const recoveriesMs: number[] = [];
    const answered = new Set<string>();
    for (let round = 0; round < rounds; round++) {
      const load = new IdempotentLoad({ client: fleet.client, accountIds, random, perSecond: 120 });
      await sleep(1_000 + random.below(1_500));
      await fleet.database.restartPostgres('immediate');
      const backAtMs = performance.now();
      const eventId = await newEvent();
      await until('a new event is delivered', () => endpoint!.received.accepted.has(eventIdOf(eventId)), 60);
      recoveriesMs.push(performance.now() - backAtMs);
      await load.stop();
      for (const key of load.answered) answered.add(key);
      await untilDelivered(fleet);
      expectSame(await compareWithJournal(fleet));
      await expectAnsweredOnce(fleet, answered);
      await expectVerified(fleet.database.ownerUrl);
    }
    const { events, lost, invented, repeats } = await compareWithJournal(fleet);
    reportFigures('Postgres crash', {
      rounds,
      events,
      lost: lost.length,
      invented: invented.length,
      'received again': repeats,
      'slowest recovery': inSeconds(Math.max(...recoveriesMs)),
    });
    expect(Math.max(...recoveriesMs)).toBeLessThan(recoveryMsMax);
    expect(fleet.endpoints[1]?.received.outOfOrder).toEqual([]);
    expect(fleet.names.map((name) => fleet.get(name).pid)).toEqual(pids);
    for (const name of fleet.names) await fleet.end(name);
  },
  120_000 + rounds * 90_000,
);
