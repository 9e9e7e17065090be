/** Who reads: a key bound to an owner sees its own side of things, one bound to none sees all. */
export interface Reader {
  readonly ownerId: string | null;
}

export type Visibility = 'private' | 'public' | 'unlisted';

/** An account as far as it matters to who may see it. Its id is a UUID or `acc_…`, as its user has it. */
export interface Party {
  readonly accountId: string;
  readonly system: string | null;
  readonly ownerId: string | null;
  readonly visibility: Visibility;
}

/** Another owner's private account is not told even by its id. System accounts are nobody's secret. */
export function isHidden(party: Party, reader: Reader): boolean {
  if (reader.ownerId === null || party.system !== null) return false;
  return party.ownerId !== reader.ownerId && party.visibility === 'private';
}

/**
 * Whether a reader may ask for an account by its id, or for the money on it. One bound to an owner asks for no
 * system account, even where it is told of one.
 */
export function mayAskFor(
  account: Omit<Party, 'accountId'>,
  sought: 'account' | 'money',
  reader: Reader,
): boolean {
  if (reader.ownerId === null) return true;
  if (account.system !== null) return false;
  return account.ownerId === reader.ownerId || (sought === 'account' && account.visibility !== 'private');
}

/** Balances are for the owner of the account, and for readers bound to none. */
export function seesMoney(party: Pick<Party, 'ownerId'>, reader: Reader): boolean {
  return reader.ownerId === null || party.ownerId === reader.ownerId;
}
