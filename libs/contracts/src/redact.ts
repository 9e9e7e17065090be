import { isHidden, seesMoney, type Party, type Reader } from './visibility.js';

type Rendered = Readonly<Record<string, unknown>>;

/**
 * The part of a rendered resource that the reader may see, told from the accounts that it touches, as they were
 * then, and by the names that fields have in every transaction and account: so it also holds for types of events
 * that this release doesn't know. An account that is not among those given is hidden.
 * @param parties with the ids that the resource shows, system accounts under their own
 */
export function redact<Resource extends Rendered>(
  resource: Resource,
  parties: readonly Party[],
  reader: Reader,
): Resource {
  if (reader.ownerId === null) return resource;
  const byShownId = new Map(parties.map((party) => [party.system ?? party.accountId, party]));
  const isShown = (id: unknown) => {
    const party = byShownId.get(id as string);
    return party !== undefined && !isHidden(party, reader);
  };
  const hasMoneyShown = (id: unknown) => {
    const party = byShownId.get(id as string);
    return party !== undefined && seesMoney(party, reader);
  };
  const withoutHidden = (rendered: Rendered): Rendered => ({
    ...rendered,
    ...('sender' in rendered && !isShown(rendered['sender']) ? { sender: null } : {}),
    ...('recipient' in rendered && !isShown(rendered['recipient']) ? { recipient: null } : {}),
  });

  const shown: Record<string, unknown> = { ...withoutHidden(resource) };
  if (Array.isArray(shown['postings'])) {
    shown['postings'] = (shown['postings'] as Rendered[]).map(withoutHidden);
  }
  if (Array.isArray(shown['balances'])) {
    shown['balances'] = (shown['balances'] as Rendered[]).filter(({ accountId }) => hasMoneyShown(accountId));
  }
  if ('balance' in shown && !hasMoneyShown(shown['id'])) delete shown['balance'];
  return shown as Resource;
}
