/** Whether an answer is what the model would give on the books as they are. */
import { isDeepStrictEqual } from 'node:util';
import type { Books } from '../ledger/books.js';
import type { Cursor } from '../ledger/lists.js';
import { checkRoute, sees, type Caller } from '../ledger/callers.js';
import { eventsRange } from '../ledger/events.js';
import { ownerOfCursor, shownSortKey } from '../ledger/lists.js';
import { checkAccept } from '../ledger/media-types.js';
import { filtersText } from '../ledger/page-parameters.js';
import { read } from '../ledger/read.js';
import { Refused } from '../ledger/refusals.js';
import { seenOf } from '../ledger/seen.js';
import { write } from '../ledger/write.js';
import {
  bodyOf,
  isCsv,
  isDryRun,
  isRead,
  type AnswerBody,
  type JournalEvent,
  type LoggedCall,
} from './call-log.js';
import { TentativeJournal } from './journals.js';

export interface ModelAnswer {
  readonly status: number;
  readonly body: unknown;
  readonly isReplayed: boolean;
  readonly entityTag: string | null;
  readonly lastModified: string | null;
}

/** Of answers that are not told to caches. */
const untold = { isReplayed: false, entityTag: null, lastModified: null };

/** Where each page ended that gave somebody a cursor. */
export type Cursors = ReadonlyMap<string, Cursor>;

export function cursorsOf(calls: readonly LoggedCall[]): Cursors {
  const cursors = new Map<string, Cursor>();
  for (const call of calls) {
    if (!isRead(call) || call.status !== 200) continue;
    const { data, meta } = bodyOf(call);
    const named = meta?.page?.['nextCursor'];
    if (typeof named !== 'string') continue;
    const last = (data as Readonly<Record<string, unknown>>[]).at(-1);
    if (last === undefined) continue;
    const after = shownSortKey(call.path, last);
    const { path, query, caller } = call;
    const ownerId = ownerOfCursor(path, caller);
    cursors.set(named, { path, filters: filtersText(query), ownerId, after });
  }
  return cursors;
}

export class Explainer {
  constructor(
    private readonly books: Books,
    private readonly journal: readonly JournalEvent[],
    private readonly cursors: Cursors,
  ) {}

  /** By the model, if the ledger's clock stood at that time. */
  answerTo(call: LoggedCall, now: string): ModelAnswer {
    return this.books.try(() => {
      try {
        if (!isRead(call)) return this.writeAnswer(call, now);
        return call.path === '/v1/events' ? this.eventsPage(call) : this.readAnswer(call, now);
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        return { ...refusal(error), ...untold };
      }
    });
  }

  private readAnswer(call: LoggedCall, now: string): ModelAnswer {
    const named = call.query['page[cursor]'];
    const cursor = named === undefined ? undefined : this.cursors.get(named);
    const { path, query, caller, accept } = call;
    const answer = read(this.books, {
      path,
      query,
      caller,
      accept,
      cursor,
      asOf: timeShownBy(call) ?? now,
    });
    return { ...untold, ...answer };
  }

  private writeAnswer(call: LoggedCall, now: string): ModelAnswer {
    const tentative = new TentativeJournal(now, call);
    const answer = write(this.books, tentative, call);
    // What would have left an event, and has left none, is not what happened.
    const body =
      tentative.recorded > 0 && !isDryRun(call)
        ? { events: tentative.recorded, ...bodyText(answer) }
        : answer.body;
    return { ...untold, ...answer, body };
  }

  private eventsPage(call: LoggedCall): ModelAnswer {
    const { query, caller } = call;
    checkRoute(caller, 'GET', call.path);
    checkAccept(call.accept, []);
    const { after, limit } = eventsRange(query);
    const { head } = this.books;
    const { events, nextAfter } =
      caller.ownerId === null ? this.wholeEvents(after, limit) : this.ownEvents(call, after, limit);
    const meta = { headPosition: String(head), nextAfter: String(nextAfter) };
    return { status: 200, body: { data: events, meta }, ...untold };
  }

  private wholeEvents(after: number, limit: number) {
    const events = this.journal.slice(after, Math.min(after + limit, this.books.head));
    return { events, nextAfter: Number(events.at(-1)?.position ?? after) };
  }

  /** What touches the owner's accounts, as far as it was known whose it is: that only the answer tells. */
  private ownEvents(call: LoggedCall, after: number, limit: number) {
    const { caller } = call;
    const known = Math.min(this.books.head, Number(bodyOf(call).meta?.nextAfter ?? after));
    const events = this.journal
      .slice(after, Math.max(after, known))
      .filter((_, n) => sees(caller, this.books.parties[after + n]!))
      .slice(0, limit)
      .map((event) => this.ownEvent(event, caller));
    const isFull = events.length === limit;
    return { events, nextAfter: isFull ? Number(events.at(-1)!.position) : Math.max(after, known) };
  }

  private ownEvent(event: JournalEvent, caller: Caller) {
    const parties = this.books.parties[Number(event.position) - 1]!;
    const hashed = { actor: null, idempotencyKey: null, requestHash: null, dataText: null, dataSalt: null };
    return { ...event, ...hashed, data: seenOf(event.data, parties, caller) };
  }
}

const bodyText = ({ body }: { body: unknown }) => ({ wouldAnswer: body });

export const refusal = ({ status, code }: Refused) => ({ status, body: { error: { code } } });

/** When a balance or a statement was read, which only its answer tells. */
function timeShownBy(call: LoggedCall): string | undefined {
  if (call.status !== 200 || isCsv(call) || !/\/(balance|statement)$/.test(call.path)) return undefined;
  const { asOf, to } = bodyOf(call).data as { asOf?: string; to?: string };
  return asOf ?? to;
}

/** Of errors the status and the code count, of cursors whether there is one. */
export function comparable(call: LoggedCall): ModelAnswer {
  const { status, isReplayed, entityTag, lastModified } = call;
  const isTagged = isRead(call) && /^\/v1\/accounts\/[^/]+$/.test(call.path) && status === 200;
  const body = isCsv(call) ? call.text : call.text === '' ? undefined : withoutMessages(bodyOf(call));
  const told = isTagged ? { entityTag, lastModified } : { entityTag: null, lastModified: null };
  return { status, body, isReplayed, ...told };
}

export function withoutMessages(body: AnswerBody): unknown {
  if (body.error !== undefined) return { error: { code: body.error.code } };
  const { data, meta } = body;
  const page = meta?.page;
  if (page !== undefined) {
    const { nextCursor, ...rest } = page;
    if ((nextCursor !== null) !== rest['hasMore']) return body;
    return { data, meta: { ...meta, page: rest } };
  }
  const isBatch = meta !== undefined && 'succeeded' in meta;
  if (!isBatch) return body;
  return { data: (data as AnswerBody[]).map(withoutItemMessage), meta };
}

const withoutItemMessage = (item: AnswerBody): unknown =>
  item.error === undefined ? item : { ...item, error: { code: item.error.code } };

/** Of a list that is counted, the total and all but the total. */
export type AnswerPart = 'whole' | 'rows' | 'total';

export const isSame = (call: LoggedCall, answer: ModelAnswer, part: AnswerPart = 'whole'): boolean =>
  isDeepStrictEqual(partOf(comparable(call), part), partOf(answer, part));

function partOf(answer: ModelAnswer, part: AnswerPart): unknown {
  if (part === 'whole' || answer.status !== 200) return answer;
  const { data, meta } = answer.body as { data?: unknown; meta?: { page?: Record<string, unknown> } };
  const { total, ...page } = meta!.page!;
  return part === 'total' ? total : { ...answer, body: { data, meta: { ...meta, page } } };
}
