/** Many transactions in one request: each decided by itself in order, or all or none. */
import type { Books } from './books.js';
import {
  fieldsOf,
  flagOf,
  isKey,
  isPlainObject,
  oneOf,
  transactionDraft,
  type TransactionDraft,
} from './bodies.js';
import { checkMovement, type Asked, type Caller } from './callers.js';
import { answeredBefore, canonical, keepAnswer, type Answer } from './idempotency.js';
import type { Journal } from './journal.js';
import { Refused, refuse, refuseIf } from './refusals.js';
import { createTransaction } from './transactions.js';

const itemsMax = 1_000;
const postingsMax = 4_000;

interface Item {
  readonly draft: TransactionDraft;
  readonly key: string | null;
  readonly request: string;
}

export interface BatchDraft {
  readonly mode: 'independent' | 'atomic';
  readonly items: readonly Item[];
  readonly isDryRun: boolean;
}

export function batchDraft(body: unknown): BatchDraft {
  const fields = fieldsOf(body, ['mode', 'transactions', 'dryRun']);
  const mode = oneOf(fields['mode'], ['independent', 'atomic']);
  const { transactions } = fields;
  if (!Array.isArray(transactions)) return refuse('validation_error');
  refuseIf(transactions.length < 1 || transactions.length > itemsMax, 'validation_error');
  const isDryRun = flagOf(fields['dryRun']);
  const items = transactions.map(itemOf);
  const postings = items.reduce((count, { draft }) => count + draft.postings.length, 0);
  refuseIf(postings > postingsMax, 'validation_error');
  return { mode, items, isDryRun };
}

function itemOf(body: unknown): Item {
  if (!isPlainObject(body)) return refuse('validation_error');
  const { idempotencyKey, ...rest } = body;
  refuseIf(idempotencyKey !== undefined && !isKey(idempotencyKey), 'validation_error');
  refuseIf(rest['dryRun'] !== undefined, 'validation_error');
  return {
    draft: transactionDraft(rest, 'transactions'),
    key: (idempotencyKey as string | undefined) ?? null,
    request: canonical('POST', '/v1/transactions', rest),
  };
}

interface ItemAnswer {
  readonly status: number;
  readonly data?: unknown;
  readonly error?: { readonly code: string };
  readonly replayed?: true;
}

export function postBatch(
  books: Books,
  journal: Journal,
  { mode, items, isDryRun }: BatchDraft,
  asked: Asked,
  request: string,
): Answer {
  const headBefore = books.head;
  const data = items.map((item) => answerItem(books, journal, item, asked));
  const succeeded = data.filter(({ status }) => status === 201).length;
  const refused = data.length - succeeded;
  refuseIf(mode === 'atomic' && refused > 0, 'batch_refused');
  const body = { data, meta: { succeeded, refused } };
  const key = books.head > headBefore && !isDryRun ? asked.key : null;
  return keepAnswer(books, { ...asked, key }, request, 200, body);
}

/** What a caller may not ask for refuses all of an atomic batch, before its key is looked at. */
export function checkItems(caller: Caller, { mode, items }: BatchDraft): void {
  if (mode !== 'atomic') return;
  try {
    for (const { draft } of items) checkMovement(caller, draft);
  } catch (error) {
    if (error instanceof Refused) refuse('batch_refused');
    throw error;
  }
}

function answerItem(books: Books, journal: Journal, item: Item, ofBatch: Asked): ItemAnswer {
  const { draft, key, request } = item;
  const { caller, key: batchKey } = ofBatch;
  const asked = { caller, key };
  try {
    return books.attempt(() => {
      checkMovement(caller, draft);
      // The key of the whole stands for the whole: no item can have it as well.
      refuseIf(key !== null && key === batchKey, 'idempotency_key_reused');
      const before = answeredBefore(books, asked, request);
      if (before !== null) return { status: 201, data: dataOf(before.body), replayed: true };
      const data = createTransaction(books, journal, draft, { caller, key: key ?? batchKey });
      keepAnswer(books, asked, request, 201, { data });
      return { status: 201, data };
    });
  } catch (error) {
    if (error instanceof Refused) return { status: error.status, error: { code: error.code } };
    throw error;
  }
}

const dataOf = (body: unknown): unknown => (body as { data: unknown }).data;
