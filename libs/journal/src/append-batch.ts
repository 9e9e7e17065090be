import type pg from 'pg';
import { formatTimestamp } from '#platform';
import type { DecidedBatch } from './decide-batch.js';
import type { Head } from './gather-batch.js';

const appendSql = `SELECT journal.append_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
  $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29)`;

/** Writes everything that a batch decided, in one call; the caller commits. */
export async function appendBatch(
  client: pg.ClientBase,
  ledgerId: string,
  head: Head,
  batch: DecidedBatch,
): Promise<void> {
  const { events, requests, touched } = batch;
  await client.query({
    name: 'append-batch',
    text: appendSql,
    values: [
      ledgerId,
      head.position,
      head.hash,
      events.map((event) => event.id),
      events.map((event) => event.type),
      events.map((event) => event.version),
      events.map((event) => event.transactionId),
      events.map((event) => event.dataText),
      events.map((event) => event.dataSalt),
      events.map((event) => event.dataHash),
      events.map((event) => event.actor),
      events.map((event) => event.idempotencyKey),
      events.map((event) => event.requestHash),
      events.map((event) => formatTimestamp(event.recordedAt)),
      events.map((event) => formatTimestamp(event.effectiveAt)),
      events.map((event) => event.hash),
      requests.map((request) => request.owner),
      requests.map((request) => request.key),
      requests.map((request) => request.requestHash),
      requests.map((request) => request.firstPosition),
      requests.map((request) => request.lastPosition),
      settingsJson(batch),
      externalIdsJson(batch),
      touched.map((account) => account.id),
      touched.map((account) => account.postedDebits),
      touched.map((account) => account.postedCredits),
      touched.map((account) => account.version),
      touched.map((account) => account.entryNumber),
      touched.map((account) => formatTimestamp(account.updatedAt)),
    ],
  });
}

function settingsJson({ settings }: DecidedBatch): string | null {
  if (settings.length === 0) return null;
  return JSON.stringify(
    settings.map(({ account, openedPosition }) => ({
      id: account.id,
      system: account.system,
      name: account.name,
      currency: account.currency,
      visibility: account.visibility,
      external_id: account.externalId,
      owner_id: account.ownerId,
      status: account.status,
      min_balance: account.minBalance?.toString() ?? null,
      max_balance: account.maxBalance?.toString() ?? null,
      version: account.version,
      settings_version: account.settingsVersion,
      metadata: account.metadata,
      opened_position: openedPosition?.toString() ?? null,
      created_at: formatTimestamp(account.createdAt),
      updated_at: formatTimestamp(account.updatedAt),
    })),
  );
}

function externalIdsJson({ transactionExternalIds }: DecidedBatch): string | null {
  if (transactionExternalIds.length === 0) return null;
  return JSON.stringify(
    transactionExternalIds.map(({ externalId, transactionId }) => ({
      external_id: externalId,
      transaction_id: transactionId,
    })),
  );
}
