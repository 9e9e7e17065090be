import type { KafkaMessage } from 'kafkajs';
import type pg from 'pg';
import { inTransaction } from '#platform';
import type { StreamMessage, Subscriber } from './event-stream.js';
import { lockOffset, saveOffset, type OffsetKey } from './kafka-offsets.js';
import { lastHandled } from './last-handled.js';

/** Messages of one partition, as they were fetched: nothing is missing between `from` and the first. */
export interface FetchedMessages {
  readonly from: bigint;
  readonly messages: readonly KafkaMessage[];
}

export type TurnOutcome =
  | { readonly result: 'handled'; readonly next: bigint; readonly messages: number }
  /** What was fetched is not what is wanted next. */
  | { readonly result: 'misplaced' };

/** A reader that froze in the middle lets go of the partition after this time. */
const turnSettings = {
  idle_in_transaction_session_timeout: '30s',
  lock_timeout: '20s',
  statement_timeout: '30s',
};

/**
 * One transaction: it locks the stored offset, gives the subscriber what is not below it, and stores the next.
 * The lock is what makes it right while two readers both believe that a partition is theirs: the second waits,
 * and then finds that it has been done.
 */
export async function takeTurn(
  pool: pg.Pool,
  subscriber: Subscriber,
  key: OffsetKey,
  fetched: FetchedMessages,
): Promise<TurnOutcome> {
  return await inTransaction(pool, (db) => turn(db, subscriber, key, fetched), turnSettings);
}

async function turn(
  db: pg.ClientBase,
  subscriber: Subscriber,
  key: OffsetKey,
  { from, messages }: FetchedMessages,
): Promise<TurnOutcome> {
  const wanted = await lockOffset(db, key);
  if (wanted === null || from > wanted) return { result: 'misplaced' };
  const fresh = messages.filter((message) => BigInt(message.offset) >= wanted);
  if (fresh.length === 0) return { result: 'misplaced' };
  const handled = await subscriber.handle(
    db,
    fresh.map((message) => streamMessageOf(message, key)),
  );
  const next = BigInt(lastHandled(fresh, handled).offset) + 1n;
  await saveOffset(db, key, next);
  return { result: 'handled', next, messages: handled };
}

function streamMessageOf(message: KafkaMessage, { topic, partition }: OffsetKey): StreamMessage {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(message.headers ?? {})) {
    const last = Array.isArray(value) ? value.at(-1) : value;
    if (last !== undefined) headers[name] = last.toString();
  }
  const value = message.value?.toString('utf8') ?? null;
  return {
    key: message.key?.toString('utf8') ?? '',
    headers,
    value,
    unreadable: value === null ? 'the message has no value' : null,
    origin: `${topic}/${partition}@${message.offset}`,
  };
}
