import type { SystemAccountName } from '#domain';

/**
 * Under which account a system party is listed: one fixed id per name, because a list is asked for ROOT in
 * all currencies, while each currency has a ROOT account of its own.
 */
const partyIds: Readonly<Record<SystemAccountName, string>> = {
  ROOT: '00000000-0000-0000-0000-000000000001',
  EXCHANGE: '00000000-0000-0000-0000-000000000002',
};

export function systemPartyId(name: SystemAccountName): string {
  return partyIds[name];
}

/** The party of a transfer's side as asked for: an account's UUID or a system account's name. */
export function partyIdOf(reference: string): string {
  return isSystemParty(reference) ? partyIds[reference] : reference;
}

export function isSystemParty(reference: string): reference is SystemAccountName {
  return Object.hasOwn(partyIds, reference);
}

/** SQL of the party's id of a leg. */
export function partyIdSql(system: string, accountId: string): string {
  const branches = Object.entries(partyIds).map(([name, id]) => `WHEN '${name}' THEN '${id}'::uuid`);
  return `CASE WHEN ${system} IS NULL THEN ${accountId} ELSE CASE ${system} ${branches.join(' ')} END END`;
}
