import type pg from 'pg';

/** One message as a subscriber gets it; nothing of it has been checked. */
export interface StreamMessage {
  /** The message's key: of `ledger.events.v1` the ledger's id, `ldg_…`. */
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The text as it came; null where there is none, or where this release can't render the event. */
  readonly value: string | null;
  /** Why there is no value; null where there is one. */
  readonly unreadable: string | null;
  /** Where it was read, for people: `ledger.events.v1/3@1402`, or `journal ldg_…@1:17`. */
  readonly origin: string;
}

export interface Subscriber {
  /** Who shares the work: processes that subscribe under one name get each message once between them. */
  readonly name: string;
  /**
   * Writes the effect of messages, in order per key, in the transaction given, in which their position is saved
   * as well: both happen or neither. Called again with the same messages after a failure, with growing pauses.
   * A message that can't be understood must be dealt with here (kept aside), or it is given again for ever.
   * @returns how many of the messages, from the first, have had their effect: at least one. The others come again
   * in a transaction of their own, so that one transaction need not take what is too much for it.
   */
  handle(db: pg.ClientBase, messages: readonly StreamMessage[]): Promise<number>;
}

export interface Subscription {
  /** Ends when what is being handled is done, or after the limit; what was not finished comes again. */
  stop(): Promise<void>;
}

/**
 * The ledger's events as other processes read them: at least once, in order per key. Effects are written with
 * the position in one transaction of the subscriber's database (table stream.offsets), so that in effect each
 * message counts once, whoever dies when.
 */
export interface EventStream {
  subscribe(subscriber: Subscriber): Promise<Subscription>;
  /**
   * From now on this ledger's events are wanted by the subscriber of this name: called in the transaction that
   * is the reason. Events recorded since that transaction began will come; earlier ones may or may not.
   * @param ledgerId a UUID
   */
  follow(db: pg.ClientBase, subscriberName: string, ledgerId: string): Promise<void>;
}
