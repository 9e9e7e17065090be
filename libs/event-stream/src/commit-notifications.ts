/** How processes that commit tell those that project. */
export const commitChannel = 'ledger_commits';

/** Postgres carries less than 8,000 bytes; a ledger's id takes 37 of them. */
const ledgersPerNotificationMax = 200;

export function encodeLedgerIds(ledgerIds: readonly string[]): string[] {
  const payloads: string[] = [];
  for (let start = 0; start < ledgerIds.length; start += ledgersPerNotificationMax) {
    payloads.push(ledgerIds.slice(start, start + ledgersPerNotificationMax).join(','));
  }
  return payloads;
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Anybody in the database may notify; what is no ledger id is left out. */
export function decodeLedgerIds(payload: string): string[] {
  return payload.split(',').filter((text) => uuid.test(text));
}
