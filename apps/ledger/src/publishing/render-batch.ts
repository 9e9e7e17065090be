import type { JournalRecord, TopicMessage } from '#contracts';
import type { CheckpointMove, UnpublishedEvents } from './scan-ledgers.js';

export interface RenderedBatch {
  /** One after the other. There are several only where a single event has more messages than one send takes. */
  readonly sends: readonly (readonly TopicMessage[])[];
  readonly events: number;
  /** What becomes true when the messages are acknowledged. */
  readonly moves: readonly CheckpointMove[];
  /** Ledgers of which something was left out. */
  readonly unfinished: readonly string[];
}

export interface BatchLimits {
  readonly eventsMax: number;
  /** To one topic in one send; a broker by default refuses 1,048,588 bytes to one partition. */
  readonly bytesPerTopicMax: number;
}

export type RenderRecord = (record: JournalRecord) => readonly TopicMessage[];

/** What Kafka itself adds to a message, at most. */
const framingBytes = 64;

/**
 * The messages of many ledgers' events, in order within each, cut where a limit is reached. An event that can't
 * be made into messages parks its ledger: those before it are published, those after it wait.
 */
export function renderBatch(
  unpublished: readonly UnpublishedEvents[],
  render: RenderRecord,
  limits: BatchLimits,
): RenderedBatch {
  const messages: TopicMessage[] = [];
  const bytesByTopic = new Map<string, number>();
  const moves: CheckpointMove[] = [];
  const unfinished: string[] = [];
  let events = 0;
  for (const { ledgerId, after, records } of unpublished) {
    if (after === null || records.length === 0) continue;
    let reached: JournalRecord | null = null;
    let parkedReason: string | null = null;
    for (const record of records) {
      const rendered = tryToRender(record, render, limits);
      if (typeof rendered === 'string') {
        parkedReason = rendered;
        break;
      }
      if (events === limits.eventsMax || !addWithin(bytesByTopic, rendered, limits, events === 0)) {
        unfinished.push(ledgerId);
        break;
      }
      messages.push(...rendered.messages);
      events++;
      reached = record;
    }
    if (reached === null && parkedReason === null) continue;
    moves.push({
      ledgerId,
      from: after,
      to: reached && { epoch: reached.epoch, position: BigInt(reached.position) },
      parkedReason,
    });
  }
  const isTooMuch = [...bytesByTopic.values()].some((bytes) => bytes > limits.bytesPerTopicMax);
  const sends = isTooMuch ? cut(messages, limits) : messages.length === 0 ? [] : [messages];
  return { sends, events, moves, unfinished };
}

interface Rendered {
  readonly messages: readonly TopicMessage[];
  readonly bytes: ReadonlyMap<string, number>;
}

/** A text is the reason why it can't be. */
function tryToRender(record: JournalRecord, render: RenderRecord, limits: BatchLimits): Rendered | string {
  const what = `event ${record.position} (${record.type} version ${record.version})`;
  try {
    const messages = render(record);
    const bytes = new Map<string, number>();
    let largest = 0;
    for (const message of messages) {
      const messageBytes = bytesOf(message);
      largest = Math.max(largest, messageBytes);
      bytes.set(message.topic, (bytes.get(message.topic) ?? 0) + messageBytes);
    }
    if (largest <= limits.bytesPerTopicMax) return { messages, bytes };
    return `${what} makes a message of ${largest} bytes, and ${limits.bytesPerTopicMax} are possible`;
  } catch (error) {
    return `${what}: ${error instanceof Error ? error.message : String(error)}`.slice(0, 500);
  }
}

/** The first event of a batch is taken whatever its size: the entries of many postings can be more than a send takes. */
function addWithin(
  total: Map<string, number>,
  { bytes }: Rendered,
  { bytesPerTopicMax }: BatchLimits,
  isFirst: boolean,
): boolean {
  const sums = [...bytes].map(([topic, more]) => [topic, (total.get(topic) ?? 0) + more] as const);
  if (!isFirst && sums.some(([, sum]) => sum > bytesPerTopicMax)) return false;
  for (const [topic, sum] of sums) total.set(topic, sum);
  return true;
}

/** In order, so that they are in order per key. */
function cut(messages: readonly TopicMessage[], { bytesPerTopicMax }: BatchLimits): TopicMessage[][] {
  const sends: TopicMessage[][] = [];
  let bytesByTopic = new Map<string, number>();
  for (const message of messages) {
    const bytes = bytesOf(message);
    const sum = (bytesByTopic.get(message.topic) ?? 0) + bytes;
    const isFull = sum > bytesPerTopicMax;
    if (isFull) bytesByTopic = new Map();
    bytesByTopic.set(message.topic, isFull ? bytes : sum);
    const last = sends.at(-1);
    if (last && !isFull) last.push(message);
    else sends.push([message]);
  }
  return sends;
}

function bytesOf({ key, headers, value }: TopicMessage): number {
  let bytes = framingBytes + Buffer.byteLength(value) + key.length;
  for (const [name, text] of Object.entries(headers)) {
    bytes += name.length + Buffer.byteLength(text as string) + 4;
  }
  return bytes;
}
