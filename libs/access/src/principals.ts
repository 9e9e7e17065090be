import { ApiError } from '#platform';
import type { Scope } from './scopes.js';

/** Who calls, once its key is known. */
export interface Principal {
  /** The key's UUID. */
  readonly keyId: string;
  /** The key's id as the journal and the log show it. */
  readonly actor: string;
  readonly ledgerId: string;
  readonly scopes: ReadonlySet<Scope>;
  /** Null for a key that is bound to no owner, as all are until keys can be made. */
  readonly ownerId: string | null;
}

/** For what a body asks for, beyond the scope of its route. */
export function requireScope(principal: Principal, scope: Scope): void {
  if (principal.scopes.has(scope)) return;
  throw new ApiError(403, 'forbidden', `this key may not do that (scope ${scope})`);
}

declare module 'fastify' {
  interface FastifyRequest {
    principal: Principal | null;
  }
}
