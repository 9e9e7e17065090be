import type { RouteAccess } from '#access';
import type { DeclaredRoute } from './declared-routes.js';

/** Who sends a request that is in order, with ids of one ledger and of one owner in it. */
export const callers = {
  'no key': 'nobody',
  'wrong key': 'a secret that no key has',
  'expired key': 'a key with every scope, after its `expiresAt`',
  'wrong mode': 'a key of a live ledger with every scope, by a secret that begins with `sk_test_`',
  'wrong ledger': 'a key of another ledger, with every scope',
  'wrong scope': 'a key of the same ledger with every scope but the one of the route',
  'wrong owner': 'a key of the same ledger with every scope, bound to another owner',
  'right key':
    "a key of the same ledger with every scope, bound to nobody; the operator's own for organizations",
} as const;
export type CallerKind = keyof typeof callers;
export const callerKinds = Object.keys(callers) as CallerKind[];

/**
 * A status, and where it is no refusal although the caller is a stranger, what becomes of it: a list has nothing
 * of what the request is about, and what is made is made on the stranger's own side.
 */
export type Expected = `${number}` | `${number}, empty` | `${number}, own`;

/** No caller who is bound to an owner may call routes of these. */
const beyondOwners: readonly RouteAccess[] = ['keys:manage', 'admin', 'mint', 'burn'];
/** Routes without an id in their path, whose body names accounts. */
const namingAccounts = ['POST /v1/transactions', 'POST /v1/mints', 'POST /v1/burns'];
/** The owner is named in the body, which nobody who is bound may do. */
const namingOwner = ['POST /v1/accounts'];
/** Atomic, and naming accounts: what is refused of it is the batch. */
const batch = 'POST /v1/transactions/batch';
/** Of the ledger as a whole, whoever reads. */
const ofWholeLedger = ['GET /v1/exchange-rates'];

/** What a route answers to each of the callers. */
export function expectedAnswers(route: DeclaredRoute): Readonly<Record<CallerKind, Expected>> {
  const right = `${route.status}` as const;
  const nobody = route.access === 'open' ? right : '401';
  return {
    'no key': nobody,
    'wrong key': nobody,
    'expired key': nobody,
    'wrong mode': nobody,
    'wrong ledger': toOtherLedger(route),
    'wrong scope': route.access === 'open' || route.access === 'any-key' ? right : '403',
    'wrong owner': toOtherOwner(route),
    'right key': right,
  };
}

function toOtherLedger(route: DeclaredRoute): Expected {
  if (route.access === 'operator') return '403';
  return toStranger(route);
}

function toOtherOwner(route: DeclaredRoute): Expected {
  if (route.access === 'operator' || beyondOwners.includes(route.access)) return '403';
  if (route.isForBoundKeys === false || namingOwner.includes(route.name)) return '403';
  return ofWholeLedger.includes(route.name) ? `${route.status}` : toStranger(route);
}

function toStranger({ name, access, path, method, status }: DeclaredRoute): Expected {
  if (name === batch) return '422';
  if (namingAccounts.includes(name)) return '404';
  if (access === 'open' || access === 'any-key') return `${status}`;
  if (path.includes('{id}')) return '404';
  return method === 'GET' ? `${status}, empty` : `${status}, own`;
}
