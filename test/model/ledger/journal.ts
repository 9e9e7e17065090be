/** What an event is called and when it is recorded: the world decides this, the model only what the event says. */
export interface Stamp {
  readonly eventId: string;
  /** Of a new account or transaction. */
  readonly subjectId: string;
  readonly recordedAt: string;
}

export interface WrittenEvent {
  readonly type: string;
  readonly transactionId: string | null;
  readonly data: unknown;
  readonly effectiveAt: string;
  readonly key: string | null;
}

export interface Journal {
  /** By the ledger's clock; not later than the next event. */
  readonly now: string;
  next(type: string): Stamp;
  write(event: WrittenEvent): void;
}
