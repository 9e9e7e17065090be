import type pg from 'pg';
import { bigintArray, byteaArray, formatTimestamp, textArray, timeArray, uuidArray } from '#platform';
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

const appendSql = `SELECT journal.append_v4($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
  $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29)`;

/**
 * The one call that writes all that follows from a batch's events, once they are written themselves; the caller sends
 * it, and commits.
 */
export function appendStatement(ledgerId: string, head: Head, batch: RecordedBatch): pg.QueryConfig {
  const { events, requests, touched, moved, touchesPending } = batch;
  const last = events[events.length - 1]!;
  return {
    name: 'append-batch',
    text: appendSql,
    values: [
      ledgerId,
      head.position,
      head.hash,
      events.length,
      last.hash,
      formatTimestamp(last.recordedAt),
      textArray(requests, (request) => request.owner),
      textArray(requests, (request) => request.key),
      byteaArray(requests, (request) => request.requestHash),
      bigintArray(requests, (request) => request.firstPosition),
      bigintArray(requests, (request) => request.lastPosition),
      settingsJson(batch),
      externalIdsJson(batch),
      uuidArray(touched, (account) => account.id),
      numericArray(touched, (account) => account.postedDebits),
      numericArray(touched, (account) => account.postedCredits),
      bigintArray(touched, (account) => account.version),
      bigintArray(touched, (account) => account.entryNumber),
      timeArray(touched, (account) => account.updatedAt),
      touchesPending ? numericArray(touched, (account) => account.pendingDebits) : null,
      touchesPending ? numericArray(touched, (account) => account.pendingCredits) : null,
      requestAnswers(batch),
      progressJson(batch),
      exchangeRatesJson(batch),
      currenciesJson(batch),
      closedPeriodJson(batch),
      codeArray(touched, (account) => account.currency),
      numericArray(moved, ({ posted }) => posted),
      touchesPending ? numericArray(moved, ({ pending }) => pending) : null,
    ],
  };
}

/** As text: of codes, which have no quotes, that is made in less time. */
function codeArray<Item>(items: readonly Item[], valueOf: (item: Item) => string): string {
  return items.length === 0 ? '{}' : `{"${items.map(valueOf).join('","')}"}`;
}

/** As text: what numbers are in binary is made of their digits in base 10,000. */
function numericArray<Item>(items: readonly Item[], valueOf: (item: Item) => bigint): string {
  return `{${items.map(valueOf).join(',')}}`;
}
