import type { Account, DomainEvent, EventType, Leg, PostedTransaction } from '#domain';
import { formatTimestamp, microsSql, parseTimestamp } from '#platform';

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

/** The version in which this release writes each type. */
const writtenVersions: Readonly<Record<EventType, number>> = {
  'account.opened': 1,
  'account.updated': 1,
  'account.closed': 1,
  'transaction.posted': 1,
};

export class UnknownEventVersion extends Error {
  constructor(type: string, version: number) {
    super(`event type ${type} version ${version} is not known to this release`);
  }
}

export function versionOf(type: EventType): number {
  return writtenVersions[type];
}

/** The data text of an event: JSON with every amount and time as a string. */
export function encodeEventData(event: DomainEvent): string {
  return event.type === 'transaction.posted'
    ? JSON.stringify(encodeTransaction(event.transaction))
    : JSON.stringify({ account: encodeAccount(event.account) });
}

/** Reads an event back. Null where its data was erased; throws for a type or version of a later release. */
export function decodeEvent(
  recorded: Pick<RecordedEvent, 'type' | 'version' | 'dataText'>,
): DomainEvent | null {
  const { type, version, dataText } = recorded;
  if (!isKnownType(type) || writtenVersions[type] !== version) throw new UnknownEventVersion(type, version);
  if (dataText === null) return null;
  return type === 'transaction.posted'
    ? { type, transaction: decodeTransaction(JSON.parse(dataText) as EncodedTransaction) }
    : { type, account: decodeAccount((JSON.parse(dataText) as { account: EncodedAccount }).account) };
}

function isKnownType(type: string): type is EventType {
  return Object.hasOwn(writtenVersions, type);
}

type Encoded<T> = {
  readonly [Field in keyof T]: T[Field] extends bigint
    ? string
    : T[Field] extends bigint | null
      ? string | null
      : T[Field];
};
type EncodedAccount = Encoded<Account>;
type EncodedLeg = Encoded<Leg>;
type EncodedTransaction = Omit<PostedTransaction, 'legs'> & { readonly legs: readonly EncodedLeg[] };

function encodeAccount(account: Account): EncodedAccount {
  return {
    ...account,
    minBalance: account.minBalance?.toString() ?? null,
    maxBalance: account.maxBalance?.toString() ?? null,
    postedDebits: account.postedDebits.toString(),
    postedCredits: account.postedCredits.toString(),
    pendingDebits: account.pendingDebits.toString(),
    pendingCredits: account.pendingCredits.toString(),
    createdAt: formatTimestamp(account.createdAt),
    updatedAt: formatTimestamp(account.updatedAt),
  };
}

function decodeAccount(account: EncodedAccount): Account {
  return {
    ...account,
    minBalance: account.minBalance === null ? null : BigInt(account.minBalance),
    maxBalance: account.maxBalance === null ? null : BigInt(account.maxBalance),
    postedDebits: BigInt(account.postedDebits),
    postedCredits: BigInt(account.postedCredits),
    pendingDebits: BigInt(account.pendingDebits),
    pendingCredits: BigInt(account.pendingCredits),
    createdAt: timestamp(account.createdAt),
    updatedAt: timestamp(account.updatedAt),
  };
}

function encodeTransaction(transaction: PostedTransaction): EncodedTransaction {
  return { ...transaction, legs: transaction.legs.map(encodeLeg) };
}

function encodeLeg(leg: Leg): EncodedLeg {
  return {
    ...leg,
    amount: leg.amount.toString(),
    posted: leg.posted.toString(),
    pendingIn: leg.pendingIn.toString(),
    pendingOut: leg.pendingOut.toString(),
    available: leg.available.toString(),
  };
}

function decodeTransaction(transaction: EncodedTransaction): PostedTransaction {
  return { ...transaction, legs: transaction.legs.map(decodeLeg) };
}

function decodeLeg(leg: EncodedLeg): Leg {
  return {
    ...leg,
    amount: BigInt(leg.amount),
    posted: BigInt(leg.posted),
    pendingIn: BigInt(leg.pendingIn),
    pendingOut: BigInt(leg.pendingOut),
    available: BigInt(leg.available),
  };
}

function timestamp(text: string): bigint {
  const micros = parseTimestamp(text);
  if (micros === null) throw new Error(`${text} in the journal is not a time`);
  return micros;
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
