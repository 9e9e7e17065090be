import type { JournalRecord } from '#contracts';

/** Events as the journal stores them, made by hand: for tests of what is shown of them. */
export interface StoredSide {
  /** A UUID. */
  readonly accountId: string;
  readonly system?: string | null;
  readonly ownerId?: string | null;
  readonly visibility?: 'private' | 'public' | 'unlisted';
  readonly posted?: string;
  readonly pendingIn?: string;
  readonly pendingOut?: string;
  readonly available?: string;
  readonly version?: number;
  readonly entryNumber?: number;
}

export interface StoredPosting {
  readonly sender: StoredSide;
  readonly recipient: StoredSide;
  readonly amount: string;
  readonly currency?: string;
}

/** A UUID that shows which of many it is. */
export const uuid = (number: number) => `0189a5d0-0000-7000-8000-${number.toString(16).padStart(12, '0')}`;

export function storedAccount(changes: Readonly<Record<string, unknown>> = {}) {
  return {
    name: 'Alice',
    visibility: 'private',
    externalId: null,
    ownerId: null,
    status: 'open',
    minBalance: '0',
    maxBalance: null,
    metadata: {},
    id: uuid(1),
    system: null,
    currency: 'EUR',
    postedDebits: '0',
    postedCredits: '0',
    pendingDebits: '0',
    pendingCredits: '0',
    version: 1,
    settingsVersion: 1,
    entryNumber: 0,
    createdAt: '2026-01-30T17:02:11.000482Z',
    updatedAt: '2026-01-30T17:02:11.000482Z',
    ...changes,
  };
}

export function storedTransaction(
  postings: readonly StoredPosting[],
  changes: Readonly<Record<string, unknown>> = {},
) {
  const sides = postings.flatMap(({ sender, recipient, amount, currency = 'EUR' }) => [
    { side: sender, direction: 'debit', amount, currency },
    { side: recipient, direction: 'credit', amount, currency },
  ]);
  const legs = sides.map(({ side, direction, amount, currency }, index) => ({
    leg: index + 1,
    accountId: side.accountId,
    system: side.system ?? null,
    ownerId: side.ownerId ?? null,
    visibility: side.visibility ?? 'private',
    direction,
    amount,
    currency,
    posted: side.posted ?? '0',
    pendingIn: side.pendingIn ?? '0',
    pendingOut: side.pendingOut ?? '0',
    available: side.available ?? side.posted ?? '0',
    version: side.version ?? 2,
    entryNumber: side.entryNumber ?? 1,
  }));
  const plain = { type: 'transfer', reference: null, externalId: null, metadata: {} };
  return { transactionId: uuid(0x7a), ...plain, legs, ...changes };
}

export function recordOf(
  type: string,
  data: object | null,
  changes: Partial<JournalRecord> = {},
): JournalRecord {
  return {
    ledgerId: uuid(0x1d),
    epoch: 1,
    position: '17',
    id: uuid(0xe7),
    type,
    version: 1,
    transactionId: type.startsWith('transaction.') ? uuid(0x7a) : null,
    dataText: data === null ? null : JSON.stringify(data),
    recordedAt: '2026-01-31T09:15:27.482913Z',
    hash: 'd1'.repeat(32),
    ...changes,
  };
}

export const postedRecord = (
  postings: readonly StoredPosting[],
  changes: Readonly<Record<string, unknown>> = {},
) => recordOf('transaction.posted', storedTransaction(postings, changes));

/** Of a hold of 100 that may have been captured, extended, ended or given back in part. */
export const storedProgress = (changes: Readonly<Record<string, unknown>> = {}) => ({
  status: 'pending',
  expiresAt: null,
  captured: ['0'],
  captures: 0,
  reversed: ['0'],
  reversals: [],
  ...changes,
});

export const accountRecord = (type: string, changes: Readonly<Record<string, unknown>> = {}) =>
  recordOf(type, { account: storedAccount(changes) });
