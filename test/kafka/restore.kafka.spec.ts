import { topics } from '#contracts';
import type { JournalEvent } from '../support/client.js';
import type { TestDatabase } from '../support/database.js';
import { untilPublished } from '../support/published.js';
import { RestoredLedger } from '../support/restored-readers.js';
import { seededRandom } from '../support/seeded-random.js';
import { readTopic, type ReadMessage } from '../support/topic-reader.js';

/** Over Kafka, whose topics still hold the lost future when the restored ledger goes on. */
let ledger: RestoredLedger;
const copies: TestDatabase[] = [];

beforeAll(async () => {
  ledger = await RestoredLedger.make(seededRandom(), true);
}, 180_000);

afterAll(() => ledger.stop(...copies), 60_000);

interface Place {
  readonly epoch: number;
  readonly number: number;
}

/**
 * A consumer as docs/SUBSCRIBING.md has it: drops repeats, and takes back from where a higher epoch begins. Returns
 * the ids that it is left with, per key.
 */
function consume(messages: readonly ReadMessage[], placeOf: (message: ReadMessage) => Place) {
  const byKey = new Map<string, { place: Place; id: string }[]>();
  for (const message of messages) {
    const kept = byKey.get(message.key) ?? [];
    byKey.set(message.key, kept);
    const last = kept.at(-1)?.place ?? { epoch: 0, number: 0 };
    const place = placeOf(message);
    if (place.epoch < last.epoch) continue;
    if (place.epoch === last.epoch && place.number <= last.number) continue;
    // A gap.
    expect(place.number).toBeLessThanOrEqual(last.number + 1);
    while (kept.length > 0 && kept.at(-1)!.place.number >= place.number) kept.pop();
    kept.push({ place, id: message.headers['ce_id']! });
  }
  return [...byKey.values()].flatMap((kept) => kept.map(({ id }) => id));
}

async function expectTopicsLeadTo(journal: readonly JournalEvent[]): Promise<void> {
  const { settings } = ledger.fleet.broker!;
  const events = await readTopic(settings, topics.events);
  const left = consume(events, ({ headers }) => ({
    epoch: Number(headers['ce_epoch']),
    number: Number(headers['ce_position']),
  }));
  expect(left).toEqual(journal.map(({ id }) => id));
  const inTopic = new Set(events.map(({ headers }) => headers['ce_id']));
  expect(ledger.lost.filter(({ id }) => !inTopic.has(id))).toEqual([]);

  const entries = consume(await readTopic(settings, topics.entries), ({ value }) => {
    const { epoch, entryNumber } = JSON.parse(value) as { epoch: number; entryNumber: number };
    return { epoch, number: entryNumber };
  });
  const expected = journal.flatMap(({ id, type, data }) => {
    const { postings = [] } = data as { postings?: readonly unknown[] };
    return type === 'transaction.posted'
      ? postings.flatMap((_, n) => [`${id}.${2 * n + 1}`, `${id}.${2 * n + 2}`])
      : [];
  });
  expect(entries.sort()).toEqual(expected.sort());
}

/** The ledger app on a new restore of the same backup; the dispatcher as it is. */
async function goOn(): Promise<{ copy: TestDatabase; journal: JournalEvent[]; epoch: number }> {
  const { fleet, past } = ledger;
  if (fleet.names.includes('api')) await fleet.end('api');
  const copy = await ledger.restore();
  copies.push(copy);
  await fleet.up('api', { databaseUrl: copy.ledgerUrl });
  await ledger.post(10);
  const journal = await fleet.client.journal();
  expect(journal.slice(0, past.length)).toEqual(past);
  await untilPublished(copy.superuserUrl);
  return { copy, journal, epoch: journal.at(-1)!.epoch };
}

let epochs: number[] = [];

test('a dispatcher with a database of its own, whose places are ahead, takes every new event in', async () => {
  const { journal, epoch } = await goOn();
  expect(epoch).toBeGreaterThan(1);
  await ledger.expectDelivered(journal, ledger.fleet.database);
  await expectTopicsLeadTo(journal);
  epochs = [epoch];
}, 120_000);

test('restored once more from the same backup, the events after it are taken in as well', async () => {
  const { journal, epoch } = await goOn();
  expect(epoch).toBeGreaterThan(epochs[0]!);
  await ledger.expectDelivered(journal, ledger.fleet.database);
  await expectTopicsLeadTo(journal);
}, 120_000);

test('a dispatcher that is restored with the journal reads the lost future again, and what comes after it', async () => {
  const { fleet } = ledger;
  await fleet.end('dispatcher');
  const { copy, journal } = await goOn();
  await fleet.up('dispatcher', { databaseUrl: copy.dispatcherUrl });
  await ledger.expectDelivered(journal, copy);
  await expectTopicsLeadTo(journal);
}, 120_000);
