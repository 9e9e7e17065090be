import {
  isAccountEvent,
  isTransactionEvent,
  progressOf,
  type DomainEvent,
  type Leg,
  type Progress,
  type TransactionEvent,
} from '#domain';
import type { RecordedEvent } from '#journal';
import { formatTimestamp } from '#platform';
import { postingEventTypes } from './posting-events.js';
import { systemPartyId } from './system-parties.js';

/** A row as one line of text: table, position and every column. */
export type Line = readonly [position: bigint, text: string];

/**
 * The rows that events ask for, one event after the other in the order of the journal: made from the decoded events,
 * not by the projection's SQL, so that a mistake there is found as well. What later events change of a row is kept
 * apart from it, until all of them have been seen.
 */
export class ExpectedRows {
  /** How far transactions have come, as the newest event about each tells; by their ids. */
  readonly progress = new Map<string, string>();
  /** Sums of the accounts' back-dated legs so far. */
  private readonly backdatedSums = new Map<string, bigint>();

  /** @param foldedReference the transaction's reference in Postgres's lower case */
  linesOf(recorded: RecordedEvent, event: DomainEvent, foldedReference: string | null): Line[] {
    const line = lineAt(recorded.position);
    if (isAccountEvent(event)) {
      const { ownerId, system } = event.account;
      return ownerId === null || system !== null ? [] : [line('owner', ownerId)];
    }
    if (!isTransactionEvent(event)) return [];
    for (const { transactionId, progress } of progressOf(event)) {
      this.progress.set(transactionId, progressText(progress.status, progress));
    }
    const { legs } = event.transaction;
    const isPosting = (postingEventTypes as readonly string[]).includes(event.type);
    const isListed = isPosting || event.type === 'transaction.pending';
    const isBackdated = recorded.effectiveAt < recorded.recordedAt;
    return [...new Set(legs.flatMap(({ ownerId, system }) => (ownerId === null || system ? [] : [ownerId])))]
      .map((owner) => line('owner', owner))
      .concat(isListed ? [transactionLine(recorded, event, foldedReference)] : [])
      .concat(isListed ? partyLines(recorded, event) : [])
      .concat(isPosting ? entryLines(recorded, event) : [])
      .concat(isPosting && isBackdated ? this.backdatedLines(recorded, event) : []);
  }

  private backdatedLines(recorded: RecordedEvent, { transaction }: TransactionEvent): Line[] {
    return transaction.legs.map(({ accountId, leg, direction, amount }) => {
      const before = this.backdatedSums.get(accountId) ?? 0n;
      const sum = direction === 'credit' ? before + amount : before - amount;
      this.backdatedSums.set(accountId, sum);
      const effectiveAt = formatTimestamp(recorded.effectiveAt);
      const columns = [accountId, leg, direction, amount.toString(), sum.toString(), effectiveAt];
      return lineAt(recorded.position)('backdated', ...columns);
    });
  }
}

function lineAt(position: bigint): (table: string, ...columns: unknown[]) => Line {
  return (table, ...columns) => [position, JSON.stringify([table, ...columns])];
}

/** The columns of a transaction that later events change; null where none has. */
export function progressText(status: string, progress: Progress | null): string {
  const text = (_key: string, value: unknown) => (typeof value === 'bigint' ? value.toString() : value);
  if (progress === null) return JSON.stringify([status, null]);
  const { expiresAt, captured, captures, reversed, reversals } = progress;
  const columns = [progress.status, expiresAt, captured, captures, reversed, reversals];
  return JSON.stringify([status, columns], text);
}

function transactionLine(
  { position }: RecordedEvent,
  { transaction }: TransactionEvent,
  foldedReference: string | null,
): Line {
  const { transactionId, type, externalId, parentId = null, legs } = transaction;
  const debits = legs.filter(({ direction }) => direction === 'debit');
  const single = debits.length === 1 ? debits[0] : undefined;
  return lineAt(position)(
    'transaction',
    transactionId,
    type,
    single?.amount.toString() ?? null,
    single?.currency ?? null,
    single ? null : debits.map(({ amount }) => amount.toString()),
    single ? null : debits.map(({ currency }) => currency),
    foldedReference,
    externalId,
    parentId,
  );
}

function partyLines({ position }: RecordedEvent, { type, transaction }: TransactionEvent): Line[] {
  const isHold = type === 'transaction.pending';
  const texts = transaction.legs.map(({ system, accountId, direction, ownerId, visibility }) =>
    JSON.stringify([
      'party',
      system === null ? accountId : systemPartyId(system),
      direction === 'debit' ? 'sender' : 'recipient',
      isHold ? ownerId : null,
      isHold ? visibility : null,
    ]),
  );
  return [...new Set(texts)].map((text) => [position, text]);
}

function entryLines(recorded: RecordedEvent, { transaction }: TransactionEvent): Line[] {
  const { transactionId, reference, legs } = transaction;
  return legs.map((leg: Leg, index) => {
    const other = legs[leg.direction === 'debit' ? index + 1 : index - 1];
    return lineAt(recorded.position)(
      'entry',
      leg.accountId,
      leg.leg,
      recorded.id,
      transactionId,
      leg.direction,
      leg.amount.toString(),
      leg.posted.toString(),
      leg.entryNumber,
      other?.accountId,
      other?.system,
      other?.visibility,
      other?.ownerId,
      reference,
      formatTimestamp(recorded.recordedAt),
    );
  });
}
