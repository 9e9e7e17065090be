/** What of answers and events a caller who is bound to an owner is shown. */
import type { AccountRecord, Books, Party, Posting } from './books.js';
import { owns, type Caller } from './callers.js';

type Shown = Readonly<Record<string, unknown>>;

export const partyOf = ({ id, isSystem, ownerId, visibility }: AccountRecord): Party => ({
  id,
  isSystem,
  ownerId,
  visibility,
});

/** Whom postings touch, as they are now. */
export function partiesNow(books: Books, postings: readonly Posting[]): Party[] {
  const keys = new Set(postings.flatMap(({ sender, recipient }) => [sender, recipient]));
  return [...keys].map((key) => partyOf(books.accounts.get(key)!));
}

/** Another owner's private account is not even told by its id. */
export const isHidden = (caller: Caller, party: Party): boolean =>
  !party.isSystem && !owns(caller, party) && party.visibility === 'private';

/** A transaction or an account, shown whole before, without others' balances and private accounts. */
export function seenOf<T extends Shown>(shown: T, parties: readonly Party[], caller: Caller): T {
  if (caller.ownerId === null) return shown;
  const partyNamed = (id: unknown) => parties.find((party) => party.id === id);
  const hidden = (id: unknown): unknown => {
    const party = partyNamed(id);
    return party !== undefined && isHidden(caller, party) ? null : id;
  };
  const ownsNamed = (id: unknown): boolean => {
    const party = partyNamed(id);
    return party !== undefined && owns(caller, party);
  };
  if ('balance' in shown) {
    const { balance: _, ...rest } = shown;
    return ownsNamed(shown['id']) ? shown : (rest as Shown as T);
  }
  if (!('postings' in shown)) return shown;
  const withoutHidden = (sides: Shown) => ({
    ...sides,
    sender: hidden(sides['sender']),
    recipient: hidden(sides['recipient']),
  });
  const balances = shown['balances'] as readonly { accountId: string }[] | undefined;
  return {
    ...withoutHidden(shown),
    postings: (shown['postings'] as Shown[]).map(withoutHidden),
    ...(balances === undefined ? {} : { balances: balances.filter(({ accountId }) => ownsNamed(accountId)) }),
  } as Shown as T;
}
