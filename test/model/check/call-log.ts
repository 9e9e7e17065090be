import type { Caller } from '../ledger/callers.js';

/** What clients have asked and what they were answered, and what the journal says: all that the check goes by. */
export interface LoggedCall {
  readonly client: number;
  readonly caller: Caller;
  /** Which one of the product's has answered. */
  readonly process: number;
  /** Both of one counter: whatever ended at a lower number than this one began at was answered before. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly key: string | null;
  readonly ifMatch: string | null;
  readonly ifUnmodifiedSince: string | null;
  readonly accept: string | null;
  readonly status: number;
  readonly text: string;
  readonly isReplayed: boolean;
  readonly mediaType: string;
  readonly entityTag: string | null;
  readonly lastModified: string | null;
}

export interface JournalEvent {
  readonly position: string;
  readonly id: string;
  readonly type: string;
  readonly transactionId: string | null;
  readonly data: Readonly<Record<string, unknown>>;
  readonly actor: string;
  readonly idempotencyKey: string | null;
  readonly recordedAt: string;
  readonly effectiveAt: string;
}

export interface RecordedRun {
  readonly calls: readonly LoggedCall[];
  readonly journal: readonly JournalEvent[];
}

/** Something that the model can't explain. */
export interface Finding {
  readonly what: string;
  readonly position: number;
  readonly call: LoggedCall | null;
}

export const isRead = ({ method }: LoggedCall): boolean => method === 'GET';
export const isAccepted = ({ status }: LoggedCall): boolean => status < 300;

export interface AnswerBody {
  readonly data?: unknown;
  readonly meta?: {
    readonly position?: string;
    readonly headPosition?: string;
    readonly nextAfter?: string;
    readonly page?: Readonly<Record<string, unknown>>;
  };
  readonly error?: { readonly code: string };
}

export interface BatchItem {
  readonly status: number;
  readonly replayed?: true;
  readonly data?: Readonly<Record<string, unknown>>;
}

export const isCsv = ({ mediaType }: LoggedCall): boolean => mediaType.startsWith('text/csv');

/** Of what is answered as JSON. */
export const bodyOf = (call: LoggedCall): AnswerBody =>
  call.text === '' || isCsv(call) ? {} : (JSON.parse(call.text) as AnswerBody);

export const isDryRun = ({ body }: LoggedCall): boolean =>
  (body as { dryRun?: unknown } | null | undefined)?.dryRun === true;

/** The transactions that an answer shows: one, or those of a batch's items. */
export function shownTransactions(call: LoggedCall): Readonly<Record<string, unknown>>[] {
  const { data } = bodyOf(call);
  if (!call.path.endsWith('/batch')) return [data as Readonly<Record<string, unknown>>];
  return ((data ?? []) as BatchItem[])
    .filter(({ status, replayed }) => status === 201 && replayed === undefined)
    .map((item) => item.data!);
}
