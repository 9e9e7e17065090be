/**
 * A journal event as the renderer takes it: the columns of journal.events as text. Ids are UUIDs, times ISO 8601
 * with six decimals, the hash hexadecimal.
 */
export interface JournalRecord {
  readonly ledgerId: string;
  readonly epoch: number;
  readonly position: string;
  readonly id: string;
  readonly type: string;
  readonly version: number;
  readonly transactionId: string | null;
  /** The exact stored JSON; null once erased. */
  readonly dataText: string | null;
  readonly recordedAt: string;
  readonly hash: string;
}
