import { setTimeout as sleep } from 'node:timers/promises';
import type { Figures } from './fault-run.js';
import { Fleet } from './fleet.js';
import { IdempotentLoad } from './idempotent-load.js';
import { compareWithJournal, expectAnsweredOnce, expectSame, untilDelivered } from './same-events.js';
import { seededRandom, type SeededRandom } from './seeded-random.js';
import { expectVerified } from './verify.js';

const members = ['api', 'worker', 'dispatcher-1', 'dispatcher-2'];

/** The members of a fleet in which everything is there more than once or comes back. */
export async function startWholeFleet({ withKafka }: { withKafka: boolean }): Promise<Fleet> {
  const fleet = await Fleet.start({ isSplit: true, withKafka, receiver: { delayMs: 5 } });
  try {
    for (const name of members.slice(1)) await fleet.up(name);
    return fleet;
  } catch (error) {
    await fleet.stop();
    throw error;
  }
}

/** Rounds of kill -9 of all members under load; after each, journal = topic = deliveries = receiver log. */
export async function killAnything(fleet: Fleet, rounds: number): Promise<Figures> {
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
  return {
    rounds,
    kills,
    events,
    'posted again': repeated,
    lost: lost.length,
    invented: invented.length,
    'received again': repeats,
    'sent by two at once': atOnce,
    'out of order': ordered?.received.outOfOrder.length ?? 0,
  };
}

function shuffled<T>(items: readonly T[], random: SeededRandom): T[] {
  const left = [...items];
  return items.map(() => left.splice(random.below(left.length), 1)[0]!);
}
