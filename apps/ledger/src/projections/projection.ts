import type pg from 'pg';

/** Where the tables are that are read. */
export const projectionsSchema = 'projections';

/** Events of one ledger: those after `after`, up to and with `upTo`. */
export interface EventRange {
  readonly after: bigint;
  readonly upTo: bigint;
}

export interface EventVersion {
  readonly type: string;
  readonly version: number;
}

/**
 * Tables made from the journal alone. Rows depend on nothing but the events, so that building them again
 * gives the same.
 */
export interface Projection {
  readonly name: string;
  /** What `project` understands, events that it deliberately makes nothing of included. */
  readonly understands: readonly EventVersion[];
  /** All that `project` writes to; in each a row belongs to one ledger, by ledger_id. */
  readonly tables: readonly string[];
  /** Writes the rows of a range, each event in it once, in the transaction that saves the checkpoint. */
  project(db: pg.ClientBase, ledgerId: string, range: EventRange): Promise<void>;
}
