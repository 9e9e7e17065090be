/** A request that may change the ledger, and its answer. */
import { accountChange, accountDraft, closeAccount, openAccount, updateAccount } from './accounts.js';
import { batchDraft, postBatch } from './batches.js';
import type { Books } from './books.js';
import {
  fieldsOf,
  flagOf,
  isAccountId,
  isKey,
  isTransactionId,
  transactionDraft,
  type Route,
} from './bodies.js';
import { createTransaction } from './transactions.js';
import { capture, captureDraft, extend, extensionOf, voidHold } from './holds.js';
import { answeredBefore, canonical, keepAnswer, type Answer } from './idempotency.js';
import type { Journal } from './journal.js';
import { refuse, refuseIf } from './refusals.js';
import { reversalDraft, reverse } from './reversals.js';
import { addCurrency, closePeriod, currencyDraft, setRate } from './settings.js';

export interface WriteRequest {
  readonly method: string;
  /** Without a query. */
  readonly path: string;
  readonly body: unknown;
  readonly key: string | null;
  readonly ifMatch: string | null;
}

/** Throws what is refused; what it has written until then is for the caller to take back. */
export function write(books: Books, journal: Journal, request: WriteRequest): Answer {
  const { method, path, body, ifMatch } = request;
  const [resource = '', id = '', verb = ''] = path.replace('/v1/', '').split('/');
  refuseIf(request.key !== null && !isKey(request.key), 'validation_error');
  switch (`${method} ${resource}`) {
    case 'PATCH accounts':
      return changeAccount(books, journal, id, body, ifMatch);
    case 'DELETE accounts':
      refuseNamelessAccount(id);
      closeAccount(books, journal, id, ifMatch);
      return { status: 204, body: undefined, isReplayed: false };
    case 'PUT exchange-rates':
      return answered(200, setRate(books, journal, id, verb, body));
    case 'PUT periods':
      return answered(200, closePeriod(books, journal, body));
    case 'PATCH transactions':
      refuseIf(!isTransactionId(id), 'transaction_not_found');
      return answered(200, extend(books, journal, id, extensionOf(body, journal.now)));
    default:
      return post(books, journal, request, resource, id, verb);
  }
}

const answered = (status: number, data: unknown): Answer => ({
  status,
  body: { data },
  isReplayed: false,
});

function refuseNamelessAccount(id: string): void {
  refuseIf(id === 'ROOT' || id === 'EXCHANGE', 'forbidden');
  refuseIf(!isAccountId(id), 'account_not_found');
}

function changeAccount(books: Books, journal: Journal, id: string, body: unknown, ifMatch: string | null) {
  const change = accountChange(body);
  refuseNamelessAccount(id);
  return answered(200, updateAccount(books, journal, id, change, ifMatch));
}

/** The posts, all of which take an idempotency key. */
function post(
  books: Books,
  journal: Journal,
  request: WriteRequest,
  resource: string,
  id: string,
  verb: string,
): Answer {
  const { method, path, body, key } = request;
  const text = canonical(method, path, body);
  const { isDryRun, status, decide } = commandOf(books, journal, resource, id, verb, body);
  // What is only tried has no use for a key.
  const ownKey = isDryRun ? null : key;
  const before = answeredBefore(books, ownKey, text);
  if (before !== null) return before;
  if (decide === 'batch') return postBatch(books, journal, batchDraft(body), ownKey, text);
  const data = decide(ownKey);
  return keepAnswer(books, ownKey, text, isDryRun ? 200 : status, { data });
}

interface Command {
  readonly isDryRun: boolean;
  readonly status: number;
  readonly decide: 'batch' | ((key: string | null) => unknown);
}

function commandOf(
  books: Books,
  journal: Journal,
  resource: string,
  id: string,
  verb: string,
  body: unknown,
): Command {
  const always = (status: number, decide: Command['decide']) => ({ isDryRun: false, status, decide });
  if (resource === 'accounts') {
    const draft = accountDraft(body);
    return always(201, (key) => openAccount(books, journal, draft, key));
  }
  if (resource === 'currencies') {
    const draft = currencyDraft(body);
    return always(201, (key) => addCurrency(books, journal, draft, key));
  }
  if (id === 'batch') return { ...always(200, 'batch'), isDryRun: batchDraft(body).isDryRun };
  if (id === '') {
    const draft = transactionDraft(body, resource as Route);
    const { isDryRun } = draft;
    return { isDryRun, status: 201, decide: (key) => createTransaction(books, journal, draft, key) };
  }
  return onTransaction(books, journal, id, verb, body);
}

function onTransaction(books: Books, journal: Journal, id: string, verb: string, body: unknown): Command {
  const named = () => refuseIf(!isTransactionId(id), 'transaction_not_found');
  switch (verb) {
    case 'capture': {
      const draft = captureDraft(body);
      named();
      const decide = (key: string | null) => capture(books, journal, id, draft, key);
      return { isDryRun: draft.isDryRun, status: 201, decide };
    }
    case 'void': {
      const isDryRun = flagOf(fieldsOf(body ?? {}, ['dryRun'])['dryRun']);
      named();
      return { isDryRun, status: 200, decide: (key) => voidHold(books, journal, id, key) };
    }
    case 'reverse': {
      const draft = reversalDraft(body);
      named();
      const decide = (key: string | null) => reverse(books, journal, id, draft, key);
      return { isDryRun: draft.isDryRun, status: 201, decide };
    }
    default:
      return refuse('not_found');
  }
}
