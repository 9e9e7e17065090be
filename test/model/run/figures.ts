import { bodyOf, isCsv, isRead, type LoggedCall, type RecordedRun } from '../check/call-log.js';
import { answerOf, type AccessCall } from '../check/access-log.js';
import { scopes } from '../ledger/callers.js';

const isOfOwner = ({ caller }: LoggedCall): boolean => caller.ownerId !== null;
const isAnswered = ({ status }: LoggedCall): boolean => status < 400;

/** Of what was asked, what is worth to be sure that it was. */
const kinds: Readonly<Record<string, (call: LoggedCall) => boolean>> = {
  'asked of the second process': ({ process }) => process > 0,
  'refused: 1,000 captures and reversals': ({ text }) => /has 1000 captures and reversals/.test(text),
  'statements as CSV': isCsv,
  'with If-Unmodified-Since': ({ method, ifUnmodifiedSince }) =>
    method === 'DELETE' && ifUnmodifiedSince !== null,
  'asked by owners': isOfOwner,
  'asked by owners: accepted': (call) => isOfOwner(call) && isAnswered(call) && !isRead(call),
  'asked by owners: reads': (call) => isOfOwner(call) && isAnswered(call) && isRead(call),
  'asked by keys with fewer scopes': (call) =>
    !isOfOwner(call) && scopes.some((scope) => !call.caller.scopes.includes(scope)),
};

const isRequest = (method: string, path: RegExp) => (call: AccessCall) =>
  call.method === method && path.test(call.path);

/** Of what those did who administer access. */
const accessKinds: Readonly<Record<string, (call: AccessCall) => boolean>> = {
  'access: keys made': isRequest('POST', /^\/v1\/(api-keys|organizations\/[^/]+\/ledgers)$/),
  'access: keys changed': isRequest('PATCH', /^\/v1\/api-keys\//),
  'access: keys ended': isRequest('DELETE', /^\/v1\/api-keys\//),
  'access: keys rotated': isRequest('POST', /\/rotate$/),
  'access: tokens made': isRequest('POST', /^\/v1\/auth\//),
  'access: pages of the audit log': isRequest('GET', /^\/v1\/audit-log$/),
  'access: lists read with a key or token': isRequest('GET', /^\/v1\/(accounts|transactions)$/),
};

/** What was tried, all runs together. */
export class Figures {
  ledgers = 0;
  requests = 0;
  accepted = 0;
  replays = 0;
  reads = 0;
  positions = 0;
  readonly kinds: Record<string, number> = {};
  readonly refused: Record<string, number> = {};

  count({ calls, journal }: RecordedRun): void {
    this.ledgers += 1;
    this.requests += calls.length;
    this.positions += journal.length;
    for (const call of calls) {
      for (const [kind, isOfKind] of Object.entries(kinds)) if (isOfKind(call)) addOne(this.kinds, kind);
      if (!isAnswered(call)) addOne(this.refused, bodyOf(call).error?.code ?? String(call.status));
      else if (isRead(call)) this.reads += 1;
      else if (call.isReplayed) this.replays += 1;
      else this.accepted += 1;
    }
  }

  countAccess(calls: readonly AccessCall[]): void {
    for (const call of calls) {
      const { code } = answerOf(call).error ?? {};
      if (code !== undefined) addOne(this.kinds, `access: refused, ${code}`);
      else {
        for (const [kind, isOfKind] of Object.entries(accessKinds)) {
          if (isOfKind(call)) addOne(this.kinds, kind);
        }
      }
    }
  }
}

function addOne(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}
