/** A request that may change the ledger, and its answer. */
import { accountChange, accountDraft, closeAccount, openAccount, updateAccount } from './accounts.js';
import { batchDraft, checkItems, postBatch } from './batches.js';
import type { Books } from './books.js';
import {
  checkText,
  fieldsOf,
  flagOf,
  isAccountId,
  isKey,
  isTransactionId,
  transactionDraft,
  type Fields,
  type Route,
} from './bodies.js';
import { checkChange, checkMovement, checkOpening, checkRoute, type Asked, type Caller } from './callers.js';
import { createTransaction } from './transactions.js';
import { checkAccept } from './media-types.js';
import type { Preconditions } from './preconditions.js';
import { capture, captureDraft, extend, extensionOf, voidHold } from './holds.js';
import { answeredBefore, canonical, keepAnswer, type Answer } from './idempotency.js';
import type { Journal } from './journal.js';
import { refuse, refuseIf } from './refusals.js';
import { reversalDraft, reverse } from './reversals.js';
import { addCurrency, closePeriod, currencyDraft, setRate } from './settings.js';

export interface WriteRequest extends Preconditions {
  readonly method: string;
  /** Without a query. */
  readonly path: string;
  readonly body: unknown;
  readonly key: string | null;
  readonly accept: string | null;
  readonly caller: Caller;
}

/** Throws what is refused; what it has written until then is for the caller to take back. */
export function write(books: Books, journal: Journal, request: WriteRequest): Answer {
  const { method, path, body } = request;
  checkRoute(request.caller, method, path);
  checkAccept(request.accept, []);
  checkText(body);
  const [resource = '', id = '', verb = ''] = path.replace('/v1/', '').split('/');
  refuseIf(request.key !== null && !isKey(request.key), 'validation_error');
  switch (`${method} ${resource}`) {
    case 'PATCH accounts':
      return changeAccount(books, journal, id, request);
    case 'DELETE accounts':
      refuseIf(!isAccountId(id), 'account_not_found');
      closeAccount(books, journal, id, request, request.caller);
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

function changeAccount(books: Books, journal: Journal, id: string, request: WriteRequest) {
  const { body, caller } = request;
  const change = accountChange(body);
  checkChange(caller, change);
  refuseIf(!isAccountId(id), 'account_not_found');
  return answered(200, updateAccount(books, journal, id, change, request, caller));
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
  const { method, path, body, caller, key } = request;
  const text = canonical(method, path, body);
  const { isDryRun, status, decide } = commandOf(books, journal, resource, id, verb, request);
  // What is only tried has no use for a key.
  const asked = { caller, key: isDryRun ? null : key };
  const before = answeredBefore(books, asked, text);
  if (before !== null) return before;
  if (decide === 'batch') return postBatch(books, journal, batchDraft(body), { caller, key }, text);
  const data = decide(asked);
  return keepAnswer(books, asked, text, isDryRun ? 200 : status, { data });
}

interface Command {
  readonly isDryRun: boolean;
  readonly status: number;
  readonly decide: 'batch' | ((asked: Asked) => unknown);
}

function commandOf(
  books: Books,
  journal: Journal,
  resource: string,
  id: string,
  verb: string,
  { body, caller }: WriteRequest,
): Command {
  const always = (status: number, decide: Command['decide']) => ({ isDryRun: false, status, decide });
  if (resource === 'accounts') {
    const draft = accountDraft(body);
    checkOpening(caller, body as Fields, draft);
    return always(201, (asked) => openAccount(books, journal, draft, asked));
  }
  if (resource === 'currencies') {
    const draft = currencyDraft(body);
    return always(201, (asked) => addCurrency(books, journal, draft, asked));
  }
  if (id === 'batch') {
    const draft = batchDraft(body);
    checkItems(caller, draft);
    return { ...always(200, 'batch'), isDryRun: draft.isDryRun };
  }
  if (id === '') {
    const draft = transactionDraft(body, resource as Route);
    checkMovement(caller, draft);
    const { isDryRun } = draft;
    return { isDryRun, status: 201, decide: (asked) => createTransaction(books, journal, draft, asked) };
  }
  return onTransaction(books, journal, id, verb, body);
}

function onTransaction(books: Books, journal: Journal, id: string, verb: string, body: unknown): Command {
  const named = () => refuseIf(!isTransactionId(id), 'transaction_not_found');
  switch (verb) {
    case 'capture': {
      const draft = captureDraft(body);
      named();
      const decide = (asked: Asked) => capture(books, journal, id, draft, asked);
      return { isDryRun: draft.isDryRun, status: 201, decide };
    }
    case 'void': {
      const isDryRun = flagOf(fieldsOf(body === undefined ? {} : body, ['dryRun'])['dryRun']);
      named();
      return { isDryRun, status: 200, decide: (asked) => voidHold(books, journal, id, asked) };
    }
    case 'reverse': {
      const draft = reversalDraft(body);
      named();
      const decide = (asked: Asked) => reverse(books, journal, id, draft, asked);
      return { isDryRun: draft.isDryRun, status: 201, decide };
    }
    default:
      return refuse('not_found');
  }
}
