import type { Caller } from '../ledger/callers.js';

/** Of the product, on one database. */
export const processes = 2;

/**
 * What clients are going to ask, as plain data. A text may name what an earlier operation was answered, by its
 * number: `{account:7}`, `{transaction:7}`, `{hold:7}`, `{transaction:7.2}` (of a batch's third item),
 * `{cursor:7}`, `{tag:7}`, `{lastModified:7}`, `{version:7}`, `{createdAt:7}`; and `{now:-500}` is a time, in ms
 * from when it is sent. Where that operation was refused, the last one before it of its kind is meant; where there
 * is none, it is something that the ledger doesn't know.
 */
export interface Operation {
  readonly number: number;
  readonly method: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly key?: string;
  readonly ifMatch?: string;
  readonly ifUnmodifiedSince?: string;
  readonly accept?: string;
  /** Which of the program's callers; 0 where absent. */
  readonly caller?: number;
  /** Which process of the product is asked; the first where absent. */
  readonly process?: number;
}

export interface ProgramCaller extends Caller {
  /** By a token that a key has handed out, not by a key of its own. */
  readonly hasToken?: true;
}

export interface Program {
  readonly seed: number;
  /** The first one may do everything. */
  readonly callers: readonly ProgramCaller[];
  /** One after the other, before all clients begin. */
  readonly setup: readonly Operation[];
  readonly clients: readonly (readonly Operation[])[];
  /** How many random lists are read to their ends when all is done. */
  readonly listsAtEnd: number;
}

export const operationsOf = ({ setup, clients }: Program): readonly Operation[] => [
  ...setup,
  ...clients.flat(),
];
