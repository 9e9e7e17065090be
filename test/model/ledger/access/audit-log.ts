/** Every change of a ledger's keys, once, in the order in which they were made. */
import { textOf, timeOf } from '../bodies.js';
import { pageDraft } from '../page-parameters.js';
import { checkCursor, page } from './pages.js';
import type { AuditRecord, Holder } from './records.js';
import type { AccessRequest, Decision } from './requests.js';

const texts = ['actor', 'action', 'subject'] as const;
const bounds: Readonly<Record<string, (made: string, bound: string) => boolean>> = {
  gte: (made, bound) => made >= bound,
  gt: (made, bound) => made > bound,
  lte: (made, bound) => made <= bound,
  lt: (made, bound) => made < bound,
};

export function readAuditLog({ ledger }: Holder, request: AccessRequest): Decision {
  const named = texts.map((field) => [`filter[${field}]`, field] as const);
  const timed = Object.entries(bounds).map(
    ([bound, isWithin]) => [`filter[createdAt][${bound}]`, isWithin] as const,
  );
  const draft = pageDraft(
    request.query,
    [...named, ...timed].map(([name]) => name),
  );
  const { query } = request;
  const wanted = named.flatMap(([name, field]) =>
    query[name] === undefined ? [] : [{ field, text: textOf(query[name]) }],
  );
  const within = timed.flatMap(([name, isWithin]) =>
    query[name] === undefined ? [] : [{ isWithin, bound: timeOf(query[name]) }],
  );
  const list = `audit-log ${ledger.id}`;
  checkCursor(request, list);
  const timeOfEntry = (n: number) => request.entryChosen(ledger.id, n)?.createdAt ?? '';
  const isShown = (entry: AuditRecord, n: number) =>
    wanted.every(({ field, text }) => entry[field] === text) &&
    within.every(({ isWithin, bound }) => isWithin(timeOfEntry(n), bound));
  const show = (entry: AuditRecord, n: number) => ({ ...request.entryChosen(ledger.id, n), ...entry });
  return page(request, draft, list, { rows: ledger.auditLog, isShown, show });
}
