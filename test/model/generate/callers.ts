/** Who asks in a program: somebody who may do everything, each owner, and others with fewer rights. */
import { everybody, scopes } from '../ledger/callers.js';
import type { ProgramCaller } from './program.js';
import type { Random } from './random.js';

export const owners = ['owner-1', 'owner-2', 'owner-3'];

export function generateCallers(random: Random): ProgramCaller[] {
  const some = (percent: number) => scopes.filter(() => random.chance(percent));
  return [
    everybody,
    ...owners.map((ownerId, n) => ({
      ownerId,
      scopes: n === 0 ? scopes : some(85),
      ...(random.chance(50) ? { hasToken: true as const } : {}),
    })),
    { ownerId: null, scopes: scopes.filter((scope) => /:/.test(scope)) },
    { ownerId: null, scopes: some(60) },
  ].map((caller) => (caller.scopes.length === 0 ? { ...caller, scopes: ['accounts:read'] } : caller));
}
