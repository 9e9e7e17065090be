import { RouteSettings } from '#http';

/** What a key may be allowed to do. */
export const scopes = [
  'accounts:read',
  'accounts:write',
  'transactions:read',
  'transactions:write',
  'mint',
  'burn',
  'webhooks:read',
  'webhooks:write',
  'keys:manage',
  'admin',
] as const;
export type Scope = (typeof scopes)[number];

/** What a route asks of its caller: nothing at all, any key, one with a scope, or the operator's own key. */
export type RouteAccess = 'open' | 'any-key' | 'operator' | Scope;

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: RouteAccess;
    /** Whether a key that is bound to an owner may call it; absent: where its scope doesn't reach beyond one. */
    isForBoundKeys?: boolean;
  }
}

/** Scopes whose routes show and change what is of all owners, or ROOT's: nobody bound to one may call them. */
const beyondOwners: readonly RouteAccess[] = ['keys:manage', 'admin', 'mint', 'burn'];

/** Nobody who is bound to an owner may call such a route, but for keys where it says so itself. */
export function reachesBeyondOwners(access: RouteAccess, isForBoundKeys: boolean | undefined): boolean {
  return isForBoundKeys === false || beyondOwners.includes(access);
}

/** Each route declares who may call it, with this decorator; one without is refused to everybody. */
export const Access =
  (access: RouteAccess, { isForBoundKeys }: { readonly isForBoundKeys?: boolean } = {}): MethodDecorator =>
  (target, method, descriptor) => {
    const handledBy = { controller: target.constructor, method };
    const ofBound = isForBoundKeys === undefined ? {} : { isForBoundKeys };
    RouteSettings({ access, handledBy, ...ofBound })(target, method, descriptor);
  };
