import { requireScope, type Principal } from '#access';
import { refuseSystemAccountsToOwners, refuseToOwners } from '../http/owner-bound.js';
import type { MovementDetails, TransactionDraftBody } from './transaction-bodies.js';
import { pathOfPosting, sentPostings } from './transaction-draft.js';

/**
 * Refuses what a body asks for beyond the scope of its route (403): ROOT and a rate of its own, which who is bound to
 * an owner can't say at all, and others need a scope for.
 */
export function requireMayAsk(caller: Principal, body: TransactionDraftBody): void {
  const postings = sentPostings(body);
  if (caller.ownerId !== null) {
    for (const [index, { sender, recipient, exchangeRate }] of postings.entries()) {
      const path = pathOfPosting(body, index);
      refuseSystemAccountsToOwners(caller, { [`${path}sender`]: sender, [`${path}recipient`]: recipient });
      refuseToOwners(caller, { [`${path}exchangeRate`]: exchangeRate });
    }
    refuseConditionsToOwners(caller, body);
  }
  for (const { sender, recipient, exchangeRate } of postings) {
    if (sender === 'ROOT') requireScope(caller, 'mint');
    if (recipient === 'ROOT') requireScope(caller, 'burn');
    if (exchangeRate !== undefined) requireScope(caller, 'admin');
  }
}

/** What they can't name they can't ask about either. */
function refuseConditionsToOwners(caller: Principal, { conditions = [] }: MovementDetails): void {
  const named = conditions.map(({ accountId }, index) => [`conditions[${index}].accountId`, accountId]);
  refuseSystemAccountsToOwners(caller, Object.fromEntries(named) as Record<string, string>);
}
