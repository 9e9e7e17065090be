import type { Account, Leg, Made, Progress, Progressed, Transaction } from '#domain';
import { formatTimestamp, parseTimestamp } from '#platform';

/** What JSON makes of it: amounts and times become strings. Fields that are undefined are not written. */
type Encoded<T> = {
  readonly [Field in keyof T]: EncodedField<T[Field]> | (object extends Pick<T, Field> ? undefined : never);
};
type EncodedField<T> = T extends bigint ? string : T extends readonly bigint[] ? readonly string[] : T;
export type EncodedAccount = Encoded<Account>;
type EncodedLeg = Encoded<Leg>;
export type EncodedTransaction = Omit<Encoded<Transaction>, 'legs' | 'made'> & {
  readonly legs: readonly EncodedLeg[];
  readonly made?: Encoded<Made> | undefined;
};
export type EncodedProgress = Encoded<Progress>;
export type EncodedProgressed = Omit<Progressed, 'progress'> & { readonly progress: EncodedProgress };

export function encodeAccount(account: Account): EncodedAccount {
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

export function decodeAccount(account: EncodedAccount): Account {
  return {
    ...account,
    minBalance: account.minBalance === null ? null : BigInt(account.minBalance),
    maxBalance: account.maxBalance === null ? null : BigInt(account.maxBalance),
    postedDebits: BigInt(account.postedDebits),
    postedCredits: BigInt(account.postedCredits),
    pendingDebits: BigInt(account.pendingDebits),
    pendingCredits: BigInt(account.pendingCredits),
    createdAt: readTimestamp(account.createdAt),
    updatedAt: readTimestamp(account.updatedAt),
  };
}

export function encodeTransaction(transaction: Transaction): EncodedTransaction {
  return {
    transactionId: transaction.transactionId,
    type: transaction.type,
    reference: transaction.reference,
    externalId: transaction.externalId,
    metadata: transaction.metadata,
    legs: transaction.legs.map(encodeLeg),
    exchanges: transaction.exchanges,
    effectiveAt: transaction.effectiveAt === undefined ? undefined : formatTimestamp(transaction.effectiveAt),
    held: transaction.held?.map(String),
    made: transaction.made && encodeMade(transaction.made),
    parentId: transaction.parentId,
    reverses: transaction.reverses,
    reason: transaction.reason,
  };
}

/**
 * The same as JSON, of a transaction that has nothing but what every one has: written field by field, which is done for
 * each transfer, in half of the time that JSON.stringify takes.
 */
export function textOfTransfer({
  transactionId,
  type,
  reference,
  externalId,
  metadata,
  legs,
}: Transaction): string {
  let texts = '';
  for (const leg of legs) texts += (texts === '' ? '' : ',') + textOfLeg(leg);
  return `{"transactionId":"${transactionId}","type":"${type}","reference":${JSON.stringify(reference)},"externalId":${
    externalId === null ? 'null' : JSON.stringify(externalId)
  },"metadata":${JSON.stringify(metadata)},"legs":[${texts}]}`;
}

function textOfLeg(leg: Leg): string {
  const ownerId = leg.ownerId === null ? 'null' : JSON.stringify(leg.ownerId);
  const system = leg.system === null ? 'null' : `"${leg.system}"`;
  return `{"leg":${leg.leg},"accountId":"${leg.accountId}","system":${system},"ownerId":${ownerId},"visibility":"${
    leg.visibility
  }","direction":"${leg.direction}","amount":"${leg.amount}","currency":"${leg.currency}","posted":"${
    leg.posted
  }","pendingIn":"${leg.pendingIn}","pendingOut":"${leg.pendingOut}","available":"${leg.available}","version":${
    leg.version
  },"entryNumber":${leg.entryNumber}}`;
}

function encodeMade({ position, recordedAt }: Made): Encoded<Made> {
  return { position: position.toString(), recordedAt: formatTimestamp(recordedAt) };
}

function encodeLeg(leg: Leg): EncodedLeg {
  return {
    leg: leg.leg,
    accountId: leg.accountId,
    system: leg.system,
    ownerId: leg.ownerId,
    visibility: leg.visibility,
    direction: leg.direction,
    amount: leg.amount.toString(),
    released: leg.released?.toString(),
    currency: leg.currency,
    posted: leg.posted.toString(),
    pendingIn: leg.pendingIn.toString(),
    pendingOut: leg.pendingOut.toString(),
    available: leg.available.toString(),
    version: leg.version,
    entryNumber: leg.entryNumber,
  };
}

export function decodeTransaction(encoded: EncodedTransaction): Transaction {
  const { legs, effectiveAt, held, made, ...plain } = encoded;
  return {
    ...plain,
    legs: legs.map(decodeLeg),
    ...(effectiveAt === undefined ? {} : { effectiveAt: readTimestamp(effectiveAt) }),
    ...(held === undefined ? {} : { held: held.map(BigInt) }),
    ...(made === undefined
      ? {}
      : { made: { position: BigInt(made.position), recordedAt: readTimestamp(made.recordedAt) } }),
    // JSON has no undefined: a field that isn't there is absent.
  } as Transaction;
}

function decodeLeg({ released, ...leg }: EncodedLeg): Leg {
  return {
    ...leg,
    amount: BigInt(leg.amount),
    ...(released === undefined ? {} : { released: BigInt(released) }),
    posted: BigInt(leg.posted),
    pendingIn: BigInt(leg.pendingIn),
    pendingOut: BigInt(leg.pendingOut),
    available: BigInt(leg.available),
  };
}

export function encodeProgress(progress: Progress): EncodedProgress {
  return {
    status: progress.status,
    expiresAt: progress.expiresAt === null ? null : formatTimestamp(progress.expiresAt),
    captured: progress.captured.map(String),
    captures: progress.captures,
    reversed: progress.reversed.map(String),
    reversals: progress.reversals,
  };
}

export function decodeProgress(progress: EncodedProgress): Progress {
  return {
    ...progress,
    expiresAt: progress.expiresAt === null ? null : readTimestamp(progress.expiresAt),
    captured: progress.captured.map(BigInt),
    reversed: progress.reversed.map(BigInt),
  };
}

export function encodeProgressed({ transactionId, progress }: Progressed): EncodedProgressed {
  return { transactionId, progress: encodeProgress(progress) };
}

export function decodeProgressed({ transactionId, progress }: EncodedProgressed): Progressed {
  return { transactionId, progress: decodeProgress(progress) };
}

export function readTimestamp(text: string): bigint {
  const micros = parseTimestamp(text);
  if (micros === null) throw new Error(`${text} in the journal is not a time`);
  return micros;
}
