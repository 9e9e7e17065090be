/** The two ways in which the model gets its times and ids: as the journal has them, or as an answer says they would be. */
import { isDeepStrictEqual } from 'node:util';
import type { Journal, Stamp, WrittenEvent } from '../ledger/journal.js';
import { difference } from './difference.js';
import { shownTransactions, type JournalEvent, type LoggedCall } from './call-log.js';

export class Mismatch extends Error {}

/** Goes through the events that are recorded, and says where the model's are others. */
export class RecordedJournal implements Journal {
  taken = 0;
  private told = 0;

  constructor(
    private readonly events: readonly JournalEvent[],
    private readonly head: number,
  ) {}

  get now(): string {
    return this.events[this.head]!.recordedAt;
  }

  next(type: string): Stamp {
    const event = this.events[this.head + this.taken];
    this.taken += 1;
    if (event?.type !== type) {
      throw new Mismatch(`the model records ${type}, the journal has ${event?.type ?? 'nothing'}`);
    }
    const subjectId = event.transactionId ?? (event.data['id'] as string);
    return { eventId: event.id, subjectId, recordedAt: event.recordedAt };
  }

  write(written: WrittenEvent): void {
    const event = this.events[this.head + this.told]!;
    this.told += 1;
    const { type, transactionId, data, effectiveAt, idempotencyKey: key } = event;
    const recorded = { type, transactionId, data, effectiveAt, key };
    // An account that a transaction opens belongs to the transaction.
    const expected = written.type === 'account.opened' ? { ...written, key } : written;
    if (isDeepStrictEqual(recorded, expected)) return;
    throw new Mismatch(`the event is another one: ${difference(recorded, expected)}`);
  }
}

/** For what is only tried: ids and times are those of the answer, where it has some. */
export class TentativeJournal implements Journal {
  recorded = 0;
  private readonly shown: Readonly<Record<string, unknown>>[];

  constructor(
    readonly now: string,
    call: LoggedCall,
  ) {
    this.shown = call.status < 300 && call.text !== '' ? shownTransactions(call) : [];
  }

  next(type: string): Stamp {
    this.recorded += 1;
    const shown = type.startsWith('transaction.') ? this.shown.shift() : undefined;
    return {
      eventId: 'evt_tried',
      subjectId: (shown?.['id'] as string | undefined) ?? `tried_${this.recorded}`,
      recordedAt: (shown?.['createdAt'] as string | undefined) ?? this.now,
    };
  }

  write(): void {}
}
