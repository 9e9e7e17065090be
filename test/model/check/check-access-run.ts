/**
 * One caller at a time: every answer must be the model's on what was done before it. What only the product can
 * choose is taken from its answers, and its form is looked at; a secret is in the one answer that made it.
 */
import { isDeepStrictEqual } from 'node:util';
import { administer } from '../ledger/access/administer.js';
import {
  AccessBooks,
  type AccessCaller,
  type AuditRecord,
  type LedgerRecord,
  type Settings,
} from '../ledger/access/records.js';
import { newKey } from '../ledger/access/keys.js';
import { typeId } from '../ledger/type-ids.js';
import type { AccessCursor, AccessRequest, Decision, EntryChosen } from '../ledger/access/requests.js';
import { answerOf, shownBy, type AccessBefore, type AccessCall, type AccessRun } from './access-log.js';
import { Forms, slackMs, timeText } from './access-forms.js';
import { difference } from './difference.js';

type Shown = Readonly<Record<string, unknown>>;

/** Something that the model can't explain; the first one only, as what comes after it may follow from it. */
export interface AccessFinding {
  readonly what: string;
  /** Null: the audit log. */
  readonly call: AccessCall | null;
}

export function checkAccessRun(run: AccessRun): AccessFinding[] {
  const check = new Check(run);
  for (const call of run.calls) {
    const what = check.faultOf(call);
    if (what !== null) return [{ what, call }];
  }
  return check.faultsOfAuditLogs().map((what) => ({ what, call: null }));
}

class Check {
  private readonly books: AccessBooks;
  private readonly forms = new Forms();
  private readonly cursors = new Map<string, AccessCursor>();
  /** For each entry of each log, the call that it is of; of those of before there is none. */
  private readonly entryCalls = new Map<LedgerRecord, (AccessCall | null)[]>();

  constructor(private readonly run: AccessRun) {
    this.books = booksBefore(run);
    const [first] = this.books.ledgers;
    this.entryCalls.set(
      first!,
      first!.auditLog.map(() => null),
    );
  }

  faultOf(call: AccessCall): string | null {
    const decisions = this.decisionsFor(call);
    const decision = decisions.find((each) => isSame(call, each));
    if (decision === undefined) return difference(comparable(call, decisions[0]!), expected(decisions[0]!));
    decision.take?.(this.books);
    this.noteEntries(call);
    const named = answerOf(call).meta?.page['nextCursor'];
    if (typeof named === 'string') this.cursors.set(named, decision.next!);
    return this.forms.faultOf(call, this.books);
  }

  private decisionsFor(call: AccessCall): Decision[] {
    const { method, path, query, body, startedAt, endedAt } = call;
    const named = query['page[cursor]'];
    const decide = (caller: AccessCaller, now: number): Decision => {
      const request: AccessRequest = {
        ...{ method, path, query, body, now },
        span: { startedAt, endedAt },
        chosen: shownBy(call),
        cursor: named === undefined ? undefined : this.cursors.get(named),
        entryChosen: (ledgerId, number) => this.entryChosen(ledgerId, number),
      };
      return administer(this.books, caller, request);
    };
    const callers = this.books.callersBy(call.bearer, { startedAt, endedAt });
    return callers.flatMap((caller) => [decide(caller, startedAt), decide(caller, endedAt)]);
  }

  private logOf(ledger: LedgerRecord | undefined): readonly Shown[] | undefined {
    const { first, made } = this.run.auditLogs;
    const index = ledger === undefined ? -1 : this.books.ledgers.indexOf(ledger);
    return [first, made][index];
  }

  private entryChosen(ledgerId: string, number: number): EntryChosen | undefined {
    const log = this.logOf(this.books.ledgers.find(({ id }) => id === ledgerId));
    const { id, createdAt } = (log?.[log.length - 1 - number] ?? {}) as { id?: string; createdAt?: string };
    return id === undefined || createdAt === undefined ? undefined : { id, createdAt };
  }

  private noteEntries(call: AccessCall): void {
    for (const ledger of this.books.ledgers) {
      const calls = this.entryCalls.get(ledger) ?? [];
      this.entryCalls.set(ledger, calls);
      while (calls.length < ledger.auditLog.length) calls.push(call);
    }
  }

  faultsOfAuditLogs(): string[] {
    return this.books.ledgers.slice(0, 2).flatMap((ledger) => {
      const entries = this.logOf(ledger)!.toReversed();
      const told = entries.map(({ id: _, createdAt: __, ...entry }) => entry);
      if (!isDeepStrictEqual(told, ledger.auditLog)) return [difference(told, ledger.auditLog, 'audit log')];
      const isInOrder = entries.every(
        ({ createdAt }, n) => n === 0 || String(entries[n - 1]!['createdAt']) <= String(createdAt),
      );
      if (!isInOrder) return ['the audit log is not in the order of its times'];
      const isOnce = new Set(entries.map(({ id }) => id)).size === entries.length;
      if (!isOnce) return ['entries of the audit log have the same id'];
      const calls = this.entryCalls.get(ledger)!;
      const strange = entries.find((entry, n) => !isEntryOf(entry, calls[n]!));
      return strange === undefined
        ? []
        : [`an entry of the audit log is strange: ${JSON.stringify(strange)}`];
    });
  }
}

function isEntryOf({ id, createdAt }: Shown, call: AccessCall | null): boolean {
  if (!typeId('aud').test(String(id))) return false;
  if (!timeText.test(String(createdAt))) return false;
  const at = Date.parse(String(createdAt));
  return call === null || (at >= call.startedAt - slackMs && at <= call.endedAt + slackMs);
}

/** The first ledger as it was, and who was there. */
function booksBefore({ before, entriesBefore, auditLogs }: AccessRun): AccessBooks {
  const books = new AccessBooks(before.operatorKey);
  const entries = auditLogs.first.toReversed().slice(0, entriesBefore);
  const first: LedgerRecord = {
    ...{ id: 'first', organizationId: null, name: 'First ledger', mode: 'live', createdAt: '' },
    ...{ keys: [], accounts: [] },
    auditLog: entries.map(({ id: _, createdAt: __, ...entry }) => entry as unknown as AuditRecord),
  };
  books.ledgers.push(first);
  first.keys.push(...before.keys.toReversed().map((shown, n) => keyBefore(first, shown, n === 0)));
  books.addSecret(before.bootstrapSecret, first.keys[0]!);
  books.organizations.push(...(before.organizations.toReversed() as unknown as AccessBooks['organizations']));
  return books;
}

function keyBefore(ledger: LedgerRecord, shown: AccessBefore['keys'][number], isBootstrap: boolean) {
  const { id, createdAt, updatedAt, lastUsedAt: _, ...settings } = shown;
  const key = newKey(ledger, String(id), settings as unknown as Settings, String(createdAt));
  const states = key.states.map((state) => ({ ...state, updatedAt: String(updatedAt) }));
  return { ...key, states, isBootstrap };
}

const isSame = (call: AccessCall, decision: Decision): boolean =>
  isDeepStrictEqual(comparable(call, decision), expected(decision));

function expected({ status, body, rateLimit }: Decision) {
  return { status, body, rateLimit: rateLimit === undefined ? null : String(rateLimit) };
}

/** Of an answer what the model can say. */
function comparable(call: AccessCall, { body: foreseen }: Decision) {
  const { status, text, rateLimit } = call;
  return { status, body: text === '' ? undefined : bodyOf(call, foreseen), rateLimit };
}

function bodyOf(call: AccessCall, foreseen: unknown): unknown {
  const { data, meta, error, ...rest } = answerOf(call);
  if (error !== undefined) return { ...rest, error: { code: error.code } };
  if (call.path === '/v1/accounts' || call.path === '/v1/transactions') return { data: idsOf(data) };
  if (!Array.isArray(data)) return { ...rest, data: withoutUse(data as Shown) };
  const { nextCursor, ...page } = meta!.page;
  if ((nextCursor !== null) !== page['hasMore'] || !/^\d+$/.test(meta!.position)) return { data, meta };
  const [row] = ((foreseen as { data?: unknown }).data ?? []) as Shown[];
  const isEntryKnown = row === undefined || row['actor'] === undefined || row['id'] !== undefined;
  const told = isEntryKnown ? withoutUse : ({ id: _, createdAt: __, ...entry }: Shown) => entry;
  return { ...rest, data: data.map(told), page };
}

const idsOf = (data: unknown): unknown =>
  Array.isArray(data) ? data.map((row: Shown) => row['id']) : (data as Shown)['id'];

/** When a key was last used is looked at by itself. */
const withoutUse = ({ lastUsedAt: _, ...shown }: Shown): Shown => shown;
