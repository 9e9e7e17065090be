/**
 * Whether a run can be explained. The journal gives the order of what was accepted: it is replayed through the
 * model, which must record the same and answer the same. Everything else (refusals, reads, replays, dry runs)
 * must be what the model answers at one of the positions at which the request may have been judged.
 */
import { Books } from '../ledger/books.js';
import { expire } from '../ledger/holds.js';
import { Refused } from '../ledger/refusals.js';
import { endOfTime } from '../ledger/times.js';
import { write } from '../ledger/write.js';
import {
  bodyOf,
  isRead,
  type Finding,
  type JournalEvent,
  type LoggedCall,
  type RecordedRun,
} from './call-log.js';
import { claimEvents, type Claims } from './claims.js';
import { comparable, cursorsOf, Explainer, isSame, type AnswerPart, type ModelAnswer } from './explain.js';
import { Mismatch, RecordedJournal } from './journals.js';
import { findUnequalReplays } from './replays.js';
import { difference } from './difference.js';
import { windowsOf, type Window } from './windows.js';

const findingsMax = 20;

export function checkRun({ calls, journal }: RecordedRun): Finding[] {
  return new Replay(calls, journal).findings();
}

interface Waiting {
  readonly call: LoggedCall;
  readonly part: AnswerPart;
  readonly window: Window;
  tried: ModelAnswer | null;
}

class Replay {
  private readonly books = new Books();
  private readonly claims: Claims;
  private readonly windows: Map<LoggedCall, Window>;
  private readonly explainer: Explainer;
  private readonly found: Finding[] = [];
  /** Those that no event belongs to, by where their windows begin. */
  private readonly toExplain: Waiting[];
  private waiting: Waiting[] = [];
  private begun = 0;

  constructor(
    private readonly calls: readonly LoggedCall[],
    private readonly journal: readonly JournalEvent[],
  ) {
    this.claims = claimEvents(calls, journal);
    this.windows = windowsOf(calls, this.claims, journal.length);
    this.explainer = new Explainer(this.books, journal, cursorsOf(calls));
    this.toExplain = calls
      .filter((call) => !this.claims.positionsOf.has(call))
      .flatMap((call) => this.partsOf(call))
      .sort((a, b) => a.window.from - b.window.from);
  }

  findings(): Finding[] {
    this.checkOrder();
    this.checkOwnEvents();
    while (this.found.length < findingsMax) {
      this.explainWaiting();
      if (this.books.head >= this.journal.length || !this.replayNext()) break;
    }
    if (this.books.head >= this.journal.length) {
      for (const each of [...this.waiting, ...this.toExplain.slice(this.begun)]) this.giveUp(each);
    }
    this.found.push(...findUnequalReplays(this.calls));
    return this.found.slice(0, findingsMax);
  }

  /**
   * Rows that may change are counted right after they are read, so that the total may be that of a later position;
   * and of transactions by status that of none, as no more are counted than there were.
   */
  private partsOf(call: LoggedCall): Waiting[] {
    const window = this.windowOfAnswer(call);
    const isCounted = call.status === 200 && call.query['page[total]'] === 'true';
    const isByStatus = call.query['filter[status]'] !== undefined;
    const canChange = ['/v1/accounts', '/v1/exchange-rates', '/v1/currencies'].includes(call.path);
    if (!isCounted || (!canChange && !isByStatus)) return [{ call, part: 'whole', window, tried: null }];
    const rows: Waiting = { call, part: 'rows', window, tried: null };
    if (!canChange) return [rows];
    const { to } = this.windows.get(call)!;
    return [rows, { call, part: 'total', window: { from: window.from, to }, tried: null }];
  }

  /** A list says itself at which position it was read. */
  private windowOfAnswer(call: LoggedCall): Window {
    const window = this.windows.get(call)!;
    const position = isRead(call) && call.status === 200 ? bodyOf(call).meta?.position : undefined;
    const isAsOfTime = call.query['at'] !== undefined;
    if (position === undefined || isAsOfTime) return window;
    const at = Number(position);
    if (at < window.from) this.add(`it is read at ${at}, before ${window.from}, which was answered`, call);
    if (at > window.to) this.add(`it is read at ${at}, after ${window.to}`, call);
    return { from: at, to: at };
  }

  /** To an owner the events feed shows what was known to be theirs, all of what was answered before among it. */
  private checkOwnEvents(): void {
    for (const call of this.calls) {
      if (call.path !== '/v1/events' || call.status !== 200 || call.caller.ownerId === null) continue;
      const { data, meta } = bodyOf(call);
      const isFull = (data as unknown[]).length === Number(call.query['limit'] ?? '100');
      const { from } = this.windows.get(call)!;
      if (isFull || Number(meta!.nextAfter) >= from) continue;
      this.add(`it is read up to ${meta!.nextAfter}, before ${from}, which was answered`, call);
    }
  }

  private checkOrder(): void {
    this.journal.forEach(({ position, recordedAt }, n) => {
      if (position !== String(n + 1)) this.add(`position ${position} is where ${n + 1} must be`, null);
      const before = this.journal[n - 1]?.recordedAt ?? '';
      if (recordedAt <= before)
        this.add(`position ${position} is recorded at or before the one before`, null);
    });
  }

  private explainWaiting(): void {
    const { head } = this.books;
    while (this.toExplain[this.begun] !== undefined && this.toExplain[this.begun]!.window.from <= head) {
      this.waiting.push(this.toExplain[this.begun]!);
      this.begun += 1;
    }
    this.waiting = this.waiting.filter((each) => {
      if (each.window.to < head) {
        this.giveUp(each);
        return false;
      }
      return !this.isExplained(each);
    });
  }

  private isExplained(each: Waiting): boolean {
    const { head } = this.books;
    if (this.isListOfWhoComes(each.call)) return true;
    const since = this.books.recordedAt[head - 1] ?? '0001-01-01T00:00:00.000000Z';
    const until = this.journal[head]?.recordedAt ?? endOfTime;
    return [since, until].some((now) => {
      each.tried = this.explainer.answerTo(each.call, now);
      return isSame(each.call, each.tried, each.part);
    });
  }

  /** An account that is opened while a list is read may be known, and its entries not yet. */
  private isListOfWhoComes(call: LoggedCall): boolean {
    if (call.status !== 200 || !call.path.endsWith('/entries')) return false;
    const [id, currency] = [call.path.split('/')[3], call.query['currency']];
    const { from, to } = this.windows.get(call)!;
    const isOpened = this.journal.slice(from, to).some(({ type, data }) => {
      const isMeant = data['id'] === id && (currency === undefined || data['currency'] === currency);
      return type === 'account.opened' && isMeant;
    });
    return isOpened && (bodyOf(call).data as unknown[]).length === 0;
  }

  private giveUp({ call, window, tried }: Waiting): void {
    const told = tried === null ? 'there was none' : difference(comparable(call), tried);
    this.add(`no position from ${window.from} to ${window.to} explains it; at the last one: ${told}`, call);
  }

  /** False where it can't go on. */
  private replayNext(): boolean {
    const { head } = this.books;
    const event = this.journal[head]!;
    if (event.type === 'transaction.expired') return this.replayExpiry(event);
    const claimants = this.claimantsAt(head);
    if (claimants.length === 0) return this.add(`nobody was told of it: ${JSON.stringify(event)}`, null);
    const refusals: Finding[] = [];
    for (const call of claimants) {
      const refusal = this.replayCall(call);
      if (refusal === null) {
        this.books.settle();
        for (const other of claimants) if (other !== call) this.wait(other);
        return true;
      }
      refusals.push(refusal);
    }
    this.found.push(...refusals);
    return false;
  }

  private wait(call: LoggedCall): void {
    this.waiting.push({ call, part: 'whole', window: this.windows.get(call)!, tried: null });
  }

  private replayExpiry(event: JournalEvent): boolean {
    const recorded = new RecordedJournal(this.journal, this.books.head);
    const refusal = this.whyNot(null, () => expire(this.books, recorded, event.transactionId!));
    if (refusal !== null) this.found.push(refusal);
    this.books.settle();
    return refusal === null;
  }

  private replayCall(call: LoggedCall): Finding | null {
    const { head } = this.books;
    const recorded = new RecordedJournal(this.journal, head);
    return this.whyNot(call, () => {
      const answer = { ...write(this.books, recorded, call), entityTag: null, lastModified: null };
      if (recorded.taken === 0) throw new Mismatch('the model records nothing for it');
      if (!isSame(call, answer)) throw new Mismatch(difference(comparable(call), answer));
      const window = this.windows.get(call)!;
      const isOutside = head < window.from || this.books.head > window.to;
      if (isOutside) throw new Mismatch(`it is recorded outside of ${window.from + 1} to ${window.to}`);
      for (const position of this.claims.positionsOf.get(call)!) {
        if (position > head && position <= this.books.head) continue;
        throw new Mismatch(`the model does not record position ${position} with it`);
      }
    });
  }

  private whyNot(call: LoggedCall | null, work: () => void): Finding | null {
    const position = this.books.head + 1;
    try {
      this.books.attempt(work);
      return null;
    } catch (error) {
      if (error instanceof Refused) return { what: `the model refuses it: ${error.code}`, position, call };
      if (error instanceof Mismatch) return { what: error.message, position, call };
      throw error;
    }
  }

  /** A system account is opened for the transaction that comes after it. */
  private claimantsAt(head: number): readonly LoggedCall[] {
    let at = head;
    while (isSystemOpening(this.journal[at])) at += 1;
    return this.claims.claimantsOf.get(at + 1) ?? [];
  }

  private add(what: string, call: LoggedCall | null): false {
    this.found.push({ what, position: this.books.head + 1, call });
    return false;
  }
}

const isSystemOpening = (event: JournalEvent | undefined): boolean =>
  event?.type === 'account.opened' && (event.data['id'] === 'ROOT' || event.data['id'] === 'EXCHANGE');
