import {
  initialProgress,
  isTransactionEvent,
  progressOf,
  storedBy,
  type DomainEvent,
  type Made,
  type Progress,
  type TransactionEvent,
} from '#domain';
import type { Compare, Difference } from './difference.js';
import { firstEventOf, followersOf, progressText, stepOf, type Tracked } from './progress-steps.js';

/** The event that made a transaction; null: it is erased; undefined: there is none. */
export type OriginalOf = (transactionId: string) => DomainEvent | null | undefined;

/**
 * How far transactions have come, as their events make it, with what each event claims checked on the way. Kept for
 * holds and for what was reversed; what a reversal takes back is asked for, so that not every transaction has to be
 * remembered. What is further than what is known is taken as it is told, where an erased event may have brought it there.
 */
export class ProgressFold {
  readonly tracked = new Map<string, Tracked>();
  private readonly erasedIds = new Set<string>();
  private erasedFollowers = 0;

  /** Of an erased capture or reversal it isn't known any more what it was of. */
  erase(type: string, transactionId: string): void {
    this.erasedIds.add(transactionId);
    if (type === 'transaction.captured' || type === 'transaction.reversed') this.erasedFollowers += 1;
  }

  isAfterErasure(transactionId: string, known: Progress | null, told: Progress): boolean {
    if (this.erasedIds.has(transactionId)) return true;
    return this.erasedFollowers > 0 && (!known || followersOf(told) > followersOf(known));
  }

  /** @param made where the event stands */
  add(event: TransactionEvent, made: Made, originalOf: OriginalOf, compare: Compare): Difference | null {
    const { type, transaction } = event;
    if (type === 'transaction.posted') return null;
    if (type === 'transaction.pending') {
      const { progress } = event;
      const expected = initialProgress(transaction.legs.length / 2, { expiresAt: progress.expiresAt });
      this.tracked.set(transaction.transactionId, {
        first: firstEventOf(transaction),
        made: { position: made.position, recordedAt: made.recordedAt },
        isHold: true,
        progress,
      });
      return compare('progress', progressText(expected), progressText(progress));
    }
    const told = progressOf(event);
    const toldIds = told.map(({ transactionId }) => transactionId);
    const ids = this.idsOf(event, originalOf) ?? toldIds;
    const difference = compare('whose progress is told', ids.join(' '), toldIds.join(' '));
    if (difference) return difference;
    for (const { transactionId, progress } of told) {
      const found = this.advance(transactionId, progress, event, compare);
      if (found) return found;
    }
    return null;
  }

  /** What comes further by the event: what it is of and, where that is a capture, its hold; null: can't be told. */
  private idsOf({ type, transaction }: TransactionEvent, originalOf: OriginalOf): string[] | null {
    const { transactionId, parentId = '', reverses = '' } = transaction;
    if (type === 'transaction.captured') return [parentId];
    if (type !== 'transaction.reversed') return [transactionId];
    if (!this.tracked.has(reverses)) this.track(originalOf(reverses));
    const first = this.tracked.get(reverses)?.first;
    if (!first && this.erasedIds.has(reverses)) return null;
    return first?.parentId ? [reverses, first.parentId] : [reverses];
  }

  private track(event: DomainEvent | null | undefined): void {
    const stored = event && isTransactionEvent(event) ? storedBy(event) : null;
    if (!stored || stored.transaction.type === 'reversal') return;
    const { transaction, isHold, progress } = stored;
    const first = firstEventOf(transaction);
    this.tracked.set(transaction.transactionId, { first, made: null, isHold, progress });
  }

  private advance(id: string, told: Progress, event: TransactionEvent, compare: Compare): Difference | null {
    const known = this.tracked.get(id);
    if (!known) {
      if (!this.erasedIds.has(id)) return compare('what it is of', 'a transaction', 'none');
      this.tracked.set(id, { first: null, made: null, isHold: told.captured.length > 0, progress: told });
      return null;
    }
    this.tracked.set(id, { ...known, progress: told });
    const step = stepOf(event, known, told);
    const difference = compare('progress', progressText(step.progress), progressText(told));
    if (difference && !this.isAfterErasure(id, step.progress, told)) return difference;
    if (difference) this.erasedIds.delete(id);
    for (const [subject, expected, found] of step.comparisons) {
      const wrong = compare(subject, expected, found);
      if (wrong) return wrong;
    }
    return null;
  }
}
