/** Puts what earlier operations were answered in the place of their numbers. */
import { bodyOf, isDryRun, type AnswerBody, type LoggedCall } from '../check/call-log.js';
import type { Operation } from '../generate/program.js';

export type Answers = ReadonlyMap<number, LoggedCall>;
export type Request = Omit<Operation, 'number'>;

const unknown = {
  account: 'acc_01jd3v4wqzfxs9v5n6m7k8h2re',
  transaction: 'txn_01jd3v5m7yf8rb6q0n4j2d9ktw',
  tag: '"1.1"',
  lastModified: 'Mon, 01 Jan 2024 00:00:00 GMT',
  createdAt: '2024-01-01T00:00:00.000000Z',
} as const;

/** How many operations before the named one are looked at. */
const lookBackMax = 150;

const reference =
  /\{(account|transaction|hold|cursor|tag|lastModified|version|createdAt|now):(-?\d+)(?:\.(\d+))?\}/;

export function resolve(operation: Operation, answers: Answers): Request {
  const { number: _, ...request } = operation;
  return resolved(request, answers) as Request;
}

function resolved(value: unknown, answers: Answers): unknown {
  if (typeof value === 'string') return resolvedText(value, answers);
  if (Array.isArray(value)) return value.map((each) => resolved(each, answers));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([field, each]) => [field, resolved(each, answers)] as const);
  return Object.fromEntries(entries.filter(([, each]) => each !== undefined));
}

function resolvedText(text: string, answers: Answers): unknown {
  const found = reference.exec(text);
  if (found === null) return text;
  const [whole, kind, number, item] = found;
  const value = kind === 'now' ? timeIn(Number(number)) : known(kind!, answers, Number(number), item);
  // A cursor that nobody was given is left out, a version stays a number.
  return text === whole ? value : text.replace(whole, String(value));
}

const timeIn = (ms: number): string => new Date(Date.now() + ms).toISOString();

type Shown = Readonly<Record<string, unknown>>;

function known(kind: string, answers: Answers, number: number, item: string | undefined): unknown {
  switch (kind) {
    case 'cursor':
      return bodyOfAccepted(answers.get(number)).meta?.page?.['nextCursor'] ?? undefined;
    case 'tag':
      return answers.get(number)?.entityTag ?? unknown.tag;
    case 'lastModified':
      return answers.get(number)?.lastModified ?? unknown.lastModified;
    case 'version':
      return lastShown(answers, number, isAccount)?.['version'] ?? 1;
    case 'createdAt':
      return shownBy(answers.get(number))?.['createdAt'] ?? unknown.createdAt;
    case 'account':
      return lastShown(answers, number, isAccount)?.['id'] ?? unknown.account;
    case 'hold':
      return lastShown(answers, number, isHold)?.['id'] ?? unknown.transaction;
    default:
      return (
        shownBy(answers.get(number), item)?.['id'] ??
        lastShown(answers, number, isTransaction)?.['id'] ??
        unknown.transaction
      );
  }
}

const isAccount = ({ id, balance }: Shown): boolean => id !== undefined && balance !== undefined;
const isTransaction = ({ id, postings }: Shown): boolean => id !== undefined && postings !== undefined;
const isHold = ({ remainingAmount }: Shown): boolean => remainingAmount !== undefined;

/** What that operation was answered, or the last one before it of that kind. */
function lastShown(answers: Answers, number: number, isMeant: (shown: Shown) => boolean): Shown | undefined {
  for (let at = number; at >= 0 && at > number - lookBackMax; at--) {
    const shown = shownBy(answers.get(at));
    if (shown !== undefined && isMeant(shown)) return shown;
  }
  return undefined;
}

const bodyOfAccepted = (call: LoggedCall | undefined): AnswerBody =>
  call === undefined || call.status >= 300 ? {} : bodyOf(call);

/** The resource of an answer, or of one item of a batch's. */
function shownBy(call: LoggedCall | undefined, item = '0'): Shown | undefined {
  if (call === undefined || isDryRun(call)) return undefined;
  const { data } = bodyOfAccepted(call);
  if (!Array.isArray(data)) return (data ?? undefined) as Shown | undefined;
  return (data[Number(item)] as { data?: Shown } | undefined)?.data;
}
