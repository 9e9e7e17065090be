import { microsSql } from '#platform';

/** An event as the journal keeps it: what was decided, and everything that its hash covers. */
export interface RecordedEvent {
  readonly ledgerId: string;
  readonly epoch: number;
  readonly position: bigint;
  readonly id: string;
  readonly type: string;
  readonly version: number;
  readonly transactionId: string | null;
  /** The exact stored text; null once erased. */
  readonly dataText: string | null;
  readonly dataSalt: Buffer | null;
  readonly dataHash: Buffer;
  readonly actor: string;
  readonly idempotencyKey: string | null;
  readonly requestHash: Buffer | null;
  /** Microseconds since 1970. */
  readonly recordedAt: bigint;
  readonly effectiveAt: bigint;
  readonly hash: Buffer;
}

/** What a query must select of journal.events, under the alias given, for readEventRow. */
export function eventColumnsSql(alias: string): string {
  const plain = ['ledger_id', 'epoch', 'position::text', 'id', 'type', 'version', 'transaction_id', 'actor'];
  const columns = plain.map((column) => `${alias}.${column}`).join(', ');
  return `${columns}, ${alias}.idempotency_key, ${alias}.data::text AS data_text,
    encode(${alias}.data_salt, 'hex') AS data_salt, encode(${alias}.data_hash, 'hex') AS data_hash,
    encode(${alias}.request_hash, 'hex') AS request_hash, encode(${alias}.hash, 'hex') AS hash,
    ${microsSql(`${alias}.recorded_at`)} AS recorded_at, ${microsSql(`${alias}.effective_at`)} AS effective_at`;
}

export interface EventRow {
  readonly ledger_id: string;
  readonly epoch: number;
  readonly position: string;
  readonly id: string;
  readonly type: string;
  readonly version: number;
  readonly transaction_id: string | null;
  readonly actor: string;
  readonly idempotency_key: string | null;
  readonly data_text: string | null;
  readonly data_salt: string | null;
  readonly data_hash: string;
  readonly request_hash: string | null;
  readonly hash: string;
  readonly recorded_at: string;
  readonly effective_at: string;
}

export function readEventRow(row: EventRow): RecordedEvent {
  return {
    ledgerId: row.ledger_id,
    epoch: row.epoch,
    position: BigInt(row.position),
    id: row.id,
    type: row.type,
    version: row.version,
    transactionId: row.transaction_id,
    dataText: row.data_text,
    dataSalt: row.data_salt === null ? null : Buffer.from(row.data_salt, 'hex'),
    dataHash: Buffer.from(row.data_hash, 'hex'),
    actor: row.actor,
    idempotencyKey: row.idempotency_key,
    requestHash: row.request_hash === null ? null : Buffer.from(row.request_hash, 'hex'),
    recordedAt: BigInt(row.recorded_at),
    effectiveAt: BigInt(row.effective_at),
    hash: Buffer.from(row.hash, 'hex'),
  };
}
