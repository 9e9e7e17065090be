/** What those who administer access asked and were answered: all that the check of it goes by. */
export interface AccessCall {
  /** From when it was sent to when its answer was there, in ms since 1970. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly process: number;
  readonly bearer: string | null;
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly status: number;
  readonly text: string;
  /** X-RateLimit-Limit. */
  readonly rateLimit: string | null;
}

type Shown = Readonly<Record<string, unknown>>;

/** What there was before the first call. */
export interface AccessBefore {
  readonly operatorKey: string;
  readonly bootstrapSecret: string;
  /** Of the first ledger, the newest first, the bootstrap key last. */
  readonly keys: readonly Shown[];
  readonly organizations: readonly Shown[];
}

export interface AccessRun {
  readonly before: AccessBefore;
  readonly calls: readonly AccessCall[];
  /** In the end, the newest first: of the first ledger, and of the one that the program has made. */
  readonly auditLogs: { readonly first: readonly Shown[]; readonly made: readonly Shown[] };
  /** How many entries the first one had before. */
  readonly entriesBefore: number;
}

interface AccessAnswer {
  readonly data?: unknown;
  readonly meta?: { readonly page: Shown; readonly position: string };
  readonly error?: { readonly code: string };
}

export const answerOf = ({ text }: AccessCall): AccessAnswer =>
  text === '' ? {} : (JSON.parse(text) as AccessAnswer);

/** The one thing that it shows; nothing of what was refused, nor of lists. */
export function shownBy(call: AccessCall): Shown {
  const { data } = answerOf(call);
  return data === undefined || data === null || Array.isArray(data) ? {} : (data as Shown);
}
