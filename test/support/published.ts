import pg from 'pg';
import { topics } from '#contracts';
import type { KafkaSettings } from '#event-stream';
import type { JournalEvent } from './client.js';
import { until } from './journal-fixtures.js';
import { readTopic, type ReadMessage } from './topic-reader.js';

export interface BothTopics {
  /** As they stand in the topic, repeats included. */
  readonly events: readonly ReadMessage[];
  readonly entries: readonly ReadMessage[];
}

export interface Published extends BothTopics {
  /** Messages that a consumer drops because it has their like. */
  readonly repeats: number;
}

const publishedMsMax = 60_000;

/** Waits until every checkpoint has reached its head, as the publisher itself sees it. */
export async function untilPublished(superuserUrl: string): Promise<void> {
  const pool = new pg.Pool({ connectionString: superuserUrl, max: 1 });
  pool.on('error', () => undefined);
  try {
    await until(async () => {
      const { rows } = await pool.query(
        `SELECT 1 FROM journal.heads h LEFT JOIN publishing.checkpoints c USING (ledger_id)
          WHERE h.position > coalesce(c.position, 0) LIMIT 1`,
      );
      return rows.length === 0;
    }, publishedMsMax);
  } finally {
    await pool.end();
  }
}

export async function readBothTopics(settings: KafkaSettings): Promise<BothTopics> {
  const [events, entries] = await Promise.all([
    readTopic(settings, topics.events),
    readTopic(settings, topics.entries),
  ]);
  return { events, entries };
}

/**
 * Reads both topics, unless they are given, and compares them with a ledger's journal: the same events, none lost,
 * none invented; in order per key once what a consumer has already seen is dropped by the rule of DESIGN §6.
 */
export async function expectJournalInTopics(
  settings: KafkaSettings,
  journal: readonly JournalEvent[],
  given?: BothTopics,
): Promise<Published> {
  const ledgerId = journal[0]?.ledgerId ?? '';
  const all = given ?? (await readBothTopics(settings));
  const [events = [], entries = []] = [all.events, all.entries].map((messages) =>
    messages.filter(({ headers }) => headers['ce_source'] === `/ledgers/${ledgerId}`),
  );

  expect(new Set(events.map(({ key }) => key))).toEqual(new Set([ledgerId]));
  const kept = dropRepeats(events, ({ headers }) => Number(headers['ce_position']));
  expect(kept.map(({ headers }) => headers['ce_id'])).toEqual(journal.map(({ id }) => id));
  expect(kept.map(({ headers }) => headers['ce_hash'])).toEqual(journal.map(({ hash }) => hash));

  const byAccount = new Map<string, ReadMessage[]>();
  for (const entry of entries) {
    const before = byAccount.get(entry.key);
    if (before) before.push(entry);
    else byAccount.set(entry.key, [entry]);
  }
  const keptEntries = [...byAccount.values()].flatMap((messages) => dropRepeats(messages, entryNumberOf));
  const expected = journal.flatMap(({ id, type, data }) => {
    const { postings = [] } = data as { postings?: readonly unknown[] };
    return typesWithEntries.includes(type)
      ? postings.flatMap((_, n) => [`${id}.${2 * n + 1}`, `${id}.${2 * n + 2}`])
      : [];
  });
  expect(keptEntries.map(({ headers }) => headers['ce_id']).sort()).toEqual(expected.sort());
  const repeats = events.length - kept.length + entries.length - keptEntries.length;
  return { events, entries, repeats };
}

/** Of the other events of transactions the legs only tell what is held. */
const typesWithEntries = ['transaction.posted', 'transaction.captured', 'transaction.reversed'];

const entryNumberOf = ({ value }: ReadMessage) => (JSON.parse(value) as { entryNumber: number }).entryNumber;

/** One key's messages: a number that is not above the last is a repeat and has to be its like; a gap is a loss. */
function dropRepeats(
  messages: readonly ReadMessage[],
  numberOf: (message: ReadMessage) => number,
): ReadMessage[] {
  const seen: ReadMessage[] = [];
  for (const message of messages) {
    const number = numberOf(message);
    const earlier = seen[number - 1];
    if (earlier === undefined) {
      if (number !== seen.length + 1) expect(number).toBe(seen.length + 1);
      seen.push(message);
    } else {
      if (message.value !== earlier.value) expect(message.value).toBe(earlier.value);
      expect(message.headers['ce_id']).toBe(earlier.headers['ce_id']);
    }
  }
  return seen;
}
