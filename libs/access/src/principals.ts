import { ApiError } from '#http';
import type { Scope } from './scopes.js';

export type Mode = 'live' | 'test';

/** Who calls, once its key is known. */
export interface Principal {
  /** The key's UUID. */
  readonly keyId: string;
  /** The key's id as the journal and the log show it. */
  readonly actor: string;
  readonly ledgerId: string;
  /** Of its ledger. */
  readonly mode: Mode;
  readonly scopes: ReadonlySet<Scope>;
  /** Null for a key that is bound to no owner. */
  readonly ownerId: string | null;
  /** Null for no limit. */
  readonly rateLimitPerMinute: number | null;
  /** It came with a token that its key made for an app of one owner. */
  readonly isClientToken: boolean;
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
