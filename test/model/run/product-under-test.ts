/** One product for all runs, with an empty ledger for each. */
import { startLedgersOfOwners } from '../../support/ledgers-of-owners.js';
import type { Client } from '../../support/client.js';

export interface ProductUnderTest {
  newLedger(): Promise<Client>;
  stop(): Promise<void>;
}

export async function startProductUnderTest(): Promise<ProductUnderTest> {
  const ledgers = await startLedgersOfOwners();
  return {
    // The first key of a ledger has a rate limit.
    newLedger: async () => ledgers.clientOf((await ledgers.addLedger()).client, null),
    stop: () => ledgers.stop(),
  };
}
