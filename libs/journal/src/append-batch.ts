import type pg from 'pg';
import { formatTimestamp } from '#platform';
import type { RecordedEvent } from './recorded-event.js';
import {
  closedPeriodJson,
  currenciesJson,
  exchangeRatesJson,
  externalIdsJson,
  progressJson,
  requestAnswers,
  settingsJson,
} from './append-rows.js';
import type { Head } from './gather-batch.js';
import type { RecordedBatch } from './record-events.js';

/** Data texts go as one text: escaping each of them for an array, and reading that, costs more than all else here. */
const appendSql = `SELECT journal.append_v2($1, $2, $3, $4, $5, $6, $7, string_to_array($8, E'\\n'), $9, $10, $11, $12,
  $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35,
  $36)`;

/** Writes everything that a batch decided, in one call; the caller commits. */
export async function appendBatch(
  client: pg.ClientBase,
  ledgerId: string,
  head: Head,
  batch: RecordedBatch,
): Promise<void> {
  const { events, requests, touched, touchesPending } = batch;
  await client.query({
    name: 'append-batch',
    text: appendSql,
    values: [
      ledgerId,
      head.position,
      head.hash,
      plainArray(events, (event) => event.id),
      plainArray(events, (event) => event.type),
      plainArray(events, (event) => event.version),
      plainArray(events, (event) => event.transactionId),
      events.map(dataTextOf).join('\n'),
      byteaArray(events, (event) => event.dataSalt),
      byteaArray(events, (event) => event.dataHash),
      plainArray(events, (event) => event.actor),
      events.map((event) => event.idempotencyKey),
      byteaArray(events, (event) => event.requestHash),
      timeArray(events, (event) => event.recordedAt),
      timeArray(events, (event) => event.effectiveAt),
      byteaArray(events, (event) => event.hash),
      requests.map((request) => request.owner),
      requests.map((request) => request.key),
      byteaArray(requests, (request) => request.requestHash),
      plainArray(requests, (request) => request.firstPosition),
      plainArray(requests, (request) => request.lastPosition),
      settingsJson(batch),
      externalIdsJson(batch),
      plainArray(touched, (account) => account.id),
      plainArray(touched, (account) => account.postedDebits),
      plainArray(touched, (account) => account.postedCredits),
      plainArray(touched, (account) => account.version),
      plainArray(touched, (account) => account.entryNumber),
      timeArray(touched, (account) => account.updatedAt),
      touchesPending ? plainArray(touched, (account) => account.pendingDebits) : null,
      touchesPending ? plainArray(touched, (account) => account.pendingCredits) : null,
      requestAnswers(batch),
      progressJson(batch),
      exchangeRatesJson(batch),
      currenciesJson(batch),
      closedPeriodJson(batch),
    ],
  });
}

/** JSON.stringify writes no line breaks. */
function dataTextOf({ dataText }: RecordedEvent): string {
  if (dataText === null || dataText.includes('\n')) throw new Error('an event without its data in one line');
  return dataText;
}

type Plain = string | number | bigint | null;

/** A Postgres array of numbers, UUIDs and names of ours: nothing in them needs quotes. */
function plainArray<Item>(items: readonly Item[], valueOf: (item: Item) => Plain): string {
  return `{${items.map((item) => valueOf(item) ?? 'NULL').join(',')}}`;
}

function timeArray<Item>(items: readonly Item[], valueOf: (item: Item) => bigint): string {
  return plainArray(items, (item) => formatTimestamp(valueOf(item)));
}

function byteaArray<Item>(items: readonly Item[], valueOf: (item: Item) => Buffer | null): string {
  return plainArray(items, (item) => {
    const bytes = valueOf(item);
    return bytes && `"\\\\x${bytes.toString('hex')}"`;
  });
}
