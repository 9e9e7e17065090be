import type pg from 'pg';
import type { Account } from '#domain';
import { bigintArray, byteaArray, integerArray, textArray, timeArray, uuidArray } from '#platform';
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
import type { RecordedEvent } from './recorded-event.js';

const appendSql = `SELECT journal.append_v2($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
  $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36)`;

/**
 * The one call that writes everything that a batch decided; the caller sends it, and commits.
 * @throws NotAUuid
 */
export function appendStatement(ledgerId: string, head: Head, batch: RecordedBatch): pg.QueryConfig {
  const { events, requests, touched, touchesPending } = batch;
  return {
    name: 'append-batch',
    text: appendSql,
    values: [
      ledgerId,
      head.position,
      head.hash,
      uuidArray(events, (event) => event.id),
      textArray(events, (event) => event.type),
      integerArray(events, (event) => event.version),
      uuidArray(events, (event) => event.transactionId),
      textArray(events, dataTextOf),
      byteaArray(events, (event) => event.dataSalt),
      byteaArray(events, (event) => event.dataHash),
      textArray(events, (event) => event.actor),
      textArray(events, (event) => event.idempotencyKey),
      byteaArray(events, (event) => event.requestHash),
      timeArray(events, (event) => event.recordedAt),
      timeArray(events, (event) => event.effectiveAt),
      byteaArray(events, (event) => event.hash),
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
    ],
  };
}

function dataTextOf({ dataText }: RecordedEvent): string {
  if (dataText === null) throw new Error('an event without its data');
  return dataText;
}

/** As text: what numbers are in binary is made of their digits in base 10,000. */
function numericArray(accounts: readonly Account[], valueOf: (account: Account) => bigint): string {
  return `{${accounts.map(valueOf).join(',')}}`;
}
