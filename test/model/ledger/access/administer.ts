/** Which routes there are to administer access, and to see what a key opens; and what each answers. */
import { checkText, fieldsOf, isPlainObject } from '../bodies.js';
import { Refused, refuse, refuseIf } from '../refusals.js';
import { readAuditLog } from './audit-log.js';
import { issueToken } from './client-tokens.js';
import { createKey, deleteKey, getKey, listKeys, rotateKey, updateKey } from './keys.js';
import {
  createLedger,
  createOrganization,
  getOrganization,
  listLedgers,
  listOrganizations,
} from './organizations.js';
import type { AccessBooks, AccessCaller, Holder } from './records.js';
import { textChosen, type AccessRequest, type Decision } from './requests.js';

type OfHolder = (holder: Holder, request: AccessRequest) => Decision;
type OfOperator = (books: AccessBooks, request: AccessRequest) => Decision;
type Route =
  | { readonly scope: string; readonly answer: OfHolder; readonly isForBoundKeys?: true }
  | { readonly scope: 'operator'; readonly asOperator: OfOperator };

/** What takes parameters to find and page by; nothing else takes any. */
const lists = /^\/v1\/(api-keys|organizations(\/[^/]+\/ledgers)?|audit-log)$/;

/** Who is bound to an owner calls none of these. */
const scopesBeyondOwners = ['mint', 'burn', 'keys:manage', 'admin'];

const routes: readonly (readonly [path: RegExp, methods: Readonly<Record<string, Route>>])[] = [
  [
    /^\/v1\/api-keys$/,
    {
      GET: { scope: 'keys:manage', answer: listKeys },
      POST: { scope: 'keys:manage', answer: createKey },
    },
  ],
  [
    /^\/v1\/api-keys\/[^/]+$/,
    {
      GET: { scope: 'keys:manage', answer: getKey },
      PATCH: { scope: 'keys:manage', answer: updateKey },
      DELETE: { scope: 'keys:manage', answer: deleteKey },
    },
  ],
  [/^\/v1\/api-keys\/[^/]+\/rotate$/, { POST: { scope: 'keys:manage', answer: rotateKey } }],
  [
    /^\/v1\/auth\/client-tokens$/,
    { POST: { scope: 'keys:manage', answer: issueToken, isForBoundKeys: true } },
  ],
  [
    /^\/v1\/organizations$/,
    {
      GET: { scope: 'operator', asOperator: listOrganizations },
      POST: { scope: 'operator', asOperator: (_, request) => createOrganization(request) },
    },
  ],
  [/^\/v1\/organizations\/[^/]+$/, { GET: { scope: 'operator', asOperator: getOrganization } }],
  [
    /^\/v1\/organizations\/[^/]+\/ledgers$/,
    {
      GET: { scope: 'operator', asOperator: listLedgers },
      POST: { scope: 'operator', asOperator: createLedger },
    },
  ],
  [/^\/v1\/audit-log$/, { GET: { scope: 'admin', answer: readAuditLog } }],
  [
    /^\/v1\/accounts$/,
    {
      GET: { scope: 'accounts:read', answer: seeAccounts },
      POST: { scope: 'accounts:write', answer: openAccount },
    },
  ],
  [
    /^\/v1\/transactions$/,
    {
      GET: { scope: 'transactions:read', answer: () => ({ status: 200, body: { data: [] } }) },
      POST: { scope: 'transactions:write', answer: refuseEmpty },
    },
  ],
  [/^\/v1\/mints$/, { POST: { scope: 'mint', answer: refuseEmpty } }],
  [/^\/v1\/burns$/, { POST: { scope: 'burn', answer: refuseEmpty } }],
];

/** What a request is answered if it comes from that caller. */
export function administer(books: AccessBooks, caller: AccessCaller, request: AccessRequest): Decision {
  return answered(() => {
    const route = routeOf(request);
    const decision = answered(() => judge(books, caller, route, request));
    const limit = caller === null || caller === 'operator' ? null : caller.rateLimitPerMinute;
    return limit === null ? decision : { ...decision, rateLimit: limit };
  });
}

function answered(decide: () => Decision): Decision {
  try {
    return decide();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { status: error.status, body: { error: { code: error.code } } };
  }
}

function routeOf({ method, path }: AccessRequest): Route {
  const methods = routes.find(([pattern]) => pattern.test(path))?.[1] ?? refuse('not_found');
  return methods[method] ?? refuse('method_not_allowed');
}

function judge(books: AccessBooks, caller: AccessCaller, route: Route, request: AccessRequest): Decision {
  if (caller === null) return refuse('unauthorized');
  if ('asOperator' in route) {
    refuseIf(caller !== 'operator', 'forbidden');
    checkParts(request);
    return route.asOperator(books, request);
  }
  // Their key is no ledger's.
  if (caller === 'operator') return refuse('unauthorized');
  refuseIf(!caller.scopes.includes(route.scope), 'forbidden');
  const isBound = caller.isToken || (caller.ownerId !== null && route.isForBoundKeys !== true);
  refuseIf(isBound && scopesBeyondOwners.includes(route.scope), 'forbidden');
  checkParts(request);
  return route.answer(caller, request);
}

function checkParts({ method, path, query, body }: AccessRequest): void {
  checkText(body);
  Object.entries(query).forEach(checkText);
  const isList = method === 'GET' && lists.test(path);
  refuseIf(!isList && Object.keys(query).length > 0, 'validation_error');
}

/** An owner's own and public ones. */
function seeAccounts({ ledger, ownerId }: Holder): Decision {
  const seen = ledger.accounts.filter(
    (account) => ownerId === null || account.ownerId === ownerId || account.visibility === 'public',
  );
  return { status: 200, body: { data: seen.map(({ id }) => id).toReversed() } };
}

/** By somebody bound to no owner. */
function openAccount({ ledger }: Holder, request: AccessRequest): Decision {
  const body = fieldsOf(request.body, ['name', 'currency', 'ownerId', 'visibility']);
  refuseIf(body['name'] === undefined, 'validation_error');
  const id = textChosen(request, 'id');
  const { ownerId = null, visibility = 'private' } = body as { ownerId?: string; visibility?: string };
  return {
    status: 201,
    body: { data: id },
    take: () => void ledger.accounts.push({ id, ownerId, visibility }),
  };
}

/** To see whether a route is open without doing anything by it. */
function refuseEmpty(_: Holder, { body }: AccessRequest): Decision {
  if (!isPlainObject(body) || Object.keys(body).length > 0) throw new Error('is asked for nothing only');
  return refuse('validation_error');
}
