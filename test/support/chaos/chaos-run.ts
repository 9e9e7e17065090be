import { setTimeout as sleep } from 'node:timers/promises';
import { eventIdOf } from '#contracts';
import type { Account, Answer, Entry, JournalEvent, List, Transaction } from '../client.js';
import { inSeconds, type Figures } from '../fault-run.js';
import { expectJournalInTopics, readBothTopics, untilPublished } from '../published.js';
import { compareWithJournal, expectSame, untilDelivered } from '../same-events.js';
import { seededRandom } from '../seeded-random.js';
import { until } from '../until.js';
import { expectVerified } from '../verify.js';
import { compareWithAnswers } from './answered-once.js';
import { ChaosFleet } from './chaos-fleet.js';
import {
  balanceOf,
  entryOf,
  expectedBalances,
  expectedEntries,
  expectedRows,
  JournalFold,
  rowOf,
} from './journal-fold.js';
import { openLedgers, type LedgerUnderLoad } from './ledger-under-load.js';
import { hasEffect, MixedLoad, type AskedWrite } from './mixed-load.js';
import { Nemesis } from './nemesis.js';
import { mint } from './random-writes.js';

const ledgerCount = 3;
const perSecond = 40;
const recoverySecondsMax = 90;
const askAgainMs = 50;
const endedMsMax = 60_000;
const pageLimit = { 'page[limit]': '100' };

/**
 * Rounds of load under faults on the whole product, each followed by a comparison of everything that there is with
 * everything else: answers, journal, topics, deliveries, what receivers got, lists.
 */
export class ChaosRun {
  private readonly recoveriesMs: number[] = [];
  private readonly asked: AskedWrite[] = [];
  private rounds = 0;
  private sent = 0;
  private lost = 0;
  private duplicated = 0;
  private invented = 0;
  private repeats = 0;
  private readonly random = seededRandom();
  private readonly nemesis: Nemesis;
  private playing: Promise<void> = Promise.resolve();
  private abandon: () => void = () => undefined;

  private constructor(
    private readonly chaos: ChaosFleet,
    private readonly ledgers: readonly LedgerUnderLoad[],
    /** Events that each ledger had before any load. */
    private readonly before: ReadonlyMap<LedgerUnderLoad, number>,
  ) {
    this.nemesis = new Nemesis(chaos, this.random);
  }

  static async start(): Promise<ChaosRun> {
    const chaos = await ChaosFleet.start();
    try {
      const ledgers = await openLedgers(chaos, ledgerCount);
      const before = new Map<LedgerUnderLoad, number>();
      for (const ledger of ledgers) before.set(ledger, (await ledger.client.journal()).length);
      return new ChaosRun(chaos, ledgers, before);
    } catch (error) {
      await chaos.stop({ isKept: true });
      throw error;
    }
  }

  async round(): Promise<void> {
    const { ledgers, random } = this;
    const load = new MixedLoad({ ledgers, random, perSecond });
    this.abandon = () => load.abandon();
    this.playing = this.play(load);
    try {
      await this.playing;
    } catch (error) {
      await this.chaos.tellState();
      throw error;
    }
  }

  private async play(load: MixedLoad): Promise<void> {
    const { chaos, ledgers } = this;
    this.rounds++;
    chaos.tell(`round ${this.rounds}`);
    try {
      await sleep(1_000);
      await this.nemesis.rage();
      await chaos.heal();
      chaos.tell('all is healed');
      await chaos.tellState();
      const healedAtMs = performance.now();
      await Promise.all(ledgers.map((ledger) => this.untilUsable(load, ledger)));
      this.recoveriesMs.push(performance.now() - healedAtMs);
      await load.stop();
      chaos.tell('the load has ended');
    } catch (error) {
      load.abandon();
      throw error;
    }
    this.asked.push(...load.asked);
    this.sent += load.sent;
    await Promise.all(ledgers.map(untilNothingExpires));
    await untilPublished(chaos.fleet.database.superuserUrl);
    await untilDelivered(chaos.fleet);
    chaos.tell('all is published and delivered');
    await this.compare();
    chaos.tell('all is compared');
    expect(load.wrong.slice(0, 5)).toEqual([]);
    expect(chaos.endedAlone).toEqual([]);
  }

  figures(): Figures {
    const { nemesis, asked } = this;
    const withEffect = asked.filter(hasEffect).length;
    const recoveries = [...this.recoveriesMs].sort((one, other) => one - other);
    return {
      rounds: this.rounds,
      kills: nemesis.count('kill', 'kill with a wrong clock', 'crash Postgres', 'kill the broker'),
      'of Postgres': nemesis.count('crash Postgres'),
      'of the broker': nemesis.count('kill the broker'),
      freezes: nemesis.count('freeze'),
      cuts: nemesis.count('cut from Postgres', 'cut from Kafka', 'cut from clients'),
      'slow links': nemesis.count('slow Postgres', 'slow Kafka'),
      'answers to be lost': nemesis.count(
        'lose an answer of Postgres',
        'lose an answer of Kafka',
        'lose an answer to a client',
      ),
      'clock jumps': nemesis.count('move a clock', 'kill with a wrong clock'),
      requests: this.sent,
      writes: asked.length,
      acknowledged: withEffect,
      refused: asked.length - withEffect,
      'unknown, then resolved': asked.filter(({ unknown }) => unknown > 0).length,
      lost: this.lost,
      'duplicated in the journal': this.duplicated,
      invented: this.invented,
      'repeated on the topics': this.repeats,
      'median recovery': inSeconds(recoveries[Math.floor(recoveries.length / 2)] ?? NaN),
      'slowest recovery': inSeconds(recoveries.at(-1) ?? NaN),
    };
  }

  /** A round that has not ended is ended first, within a limit. */
  async stop({ isKept }: { isKept: boolean }): Promise<void> {
    this.nemesis.end();
    this.abandon();
    await Promise.race([this.playing.catch(() => undefined), sleep(endedMsMax, undefined, { ref: false })]);
    for (const { client, clients } of this.ledgers) for (const each of [client, ...clients]) each.close();
    await this.chaos.stop({ isKept });
  }

  /** A new write is accepted, listed and delivered. */
  private async untilUsable(load: MixedLoad, ledger: LedgerUnderLoad): Promise<void> {
    const { key, answer } = await load.ask(ledger, mint(ledger, this.random));
    const { id } = (answer?.body as { data: Transaction }).data;
    await until(
      'a new transaction is listed',
      async () => {
        const listed = await this.list(ledger);
        return listed?.status === 200 && listed.body.data.some((row) => row.id === id);
      },
      recoverySecondsMax,
    );
    const { rows } = await this.chaos.fleet.db.query<{ id: string }>(
      'SELECT id FROM journal.events WHERE idempotency_key = $1',
      [key],
    );
    const eventId = eventIdOf(rows[0]?.id ?? '');
    // The other endpoint first gets what it has missed, one after the other.
    const [anyOrder] = ledger.endpoints;
    const isDelivered = () => anyOrder!.received.accepted.has(eventId);
    await until('a new event is delivered', isDelivered, recoverySecondsMax);
  }

  private async list({ clients }: LedgerUnderLoad): Promise<Answer<List<Transaction>> | null> {
    const path = '/v1/transactions?filter[type]=mint&page[limit]=100';
    const answer = await this.random
      .pick(clients)
      .get<List<Transaction>>(path)
      .catch(() => null);
    if (answer?.status !== 200) await sleep(askAgainMs);
    return answer;
  }

  private async compare(): Promise<void> {
    const { chaos } = this;
    const published = await readBothTopics(chaos.fleet.broker!.settings);
    let repeats = 0;
    for (const ledger of this.ledgers) {
      const journal = await ledger.client.journal();
      this.compareAnswers(ledger, journal);
      repeats += (await expectJournalInTopics(chaos.fleet.broker!.settings, journal, published)).repeats;
      await this.compareLists(ledger, journal);
    }
    this.repeats = repeats;
    const difference = await compareWithJournal(chaos.fleet);
    this.lost += difference.lost.length;
    this.invented += difference.invented.length;
    expectSame(difference);
    const ordered = chaos.fleet.endpoints.filter(({ name }) => name.endsWith('by-account'));
    expect(ordered.flatMap(({ received }) => received.outOfOrder).slice(0, 5)).toEqual([]);
    await expectVerified(chaos.fleet.database.ownerUrl);
  }

  private compareAnswers(ledger: LedgerUnderLoad, journal: readonly JournalEvent[]): void {
    const asked = this.asked.filter((write) => write.ledger === ledger);
    const told = compareWithAnswers(journal, this.before.get(ledger) ?? 0, asked);
    this.lost += told.lost.length;
    this.duplicated += told.duplicated.length;
    this.invented += told.invented.length;
    expect({ ledger: ledger.name, ...told }).toEqual({
      ledger: ledger.name,
      lost: [],
      duplicated: [],
      invented: [],
    });
  }

  /** All pages of the lists against what the journal comes to. */
  private async compareLists(ledger: LedgerUnderLoad, journal: readonly JournalEvent[]): Promise<void> {
    const { client, accountIds } = ledger;
    const fold = new JournalFold(journal);
    expect(fold.excesses).toEqual([]);
    const rows = await client.all<Transaction>('/v1/transactions', pageLimit);
    expectSameRows(rows.map(rowOf).reverse(), expectedRows(fold));
    const accounts = await client.all<Account>('/v1/accounts', pageLimit);
    expectSameRows(accounts.map(balanceOf).reverse(), expectedBalances(fold));
    for (const accountId of [accountIds[0]!, this.random.pick(accountIds)]) {
      const entries = await client.all<Entry>(`/v1/accounts/${accountId}/entries`, pageLimit);
      expectSameRows(entries.map(entryOf).reverse(), expectedEntries(fold, accountId));
    }
  }
}

/** Holds that have an end go on by themselves, and nothing is to change while it is compared. */
async function untilNothingExpires({ client }: LedgerUnderLoad): Promise<void> {
  await until('no hold has an end to come', async () => {
    const open = ['pending', 'partially_captured'].map((status) =>
      client.all<Transaction>('/v1/transactions', { ...pageLimit, 'filter[status]': status }),
    );
    const holds = (await Promise.all(open)).flat();
    return holds.every(({ expiresAt }) => expiresAt == null);
  });
}

/** The first that differ are enough to be shown. */
function expectSameRows(found: readonly object[], expected: readonly object[]): void {
  const texts = (rows: readonly object[]) => rows.map((row) => JSON.stringify(row));
  const [all, wanted] = [texts(found), texts(expected)];
  const differing = [...Array(Math.max(all.length, wanted.length)).keys()].filter(
    (n) => all[n] !== wanted[n],
  );
  expect(differing.slice(0, 3).map((n) => ({ found: all[n], expected: wanted[n] }))).toEqual([]);
}
