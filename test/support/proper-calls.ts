import { newKey, type Account, type Client } from './client.js';
import type { Call } from './documented-api.js';

/** Of each operation, by its id, a request that is in order; `one` has money. */
export type ProperCalls = Readonly<Record<string, () => Call | Promise<Call>>>;

export function properCalls(client: Client, one: Account, other: Account): ProperCalls {
  const transfer = () => ({ sender: one.id, recipient: other.id, amount: '1' });
  return {
    accountsOpen: () => ({ body: { name: 'Carol', currency: 'EUR' } }),
    accountsList: () => ({}),
    accountsGet: () => ({ id: one.id }),
    accountsBalance: () => ({ id: one.id }),
    accountsEntries: () => ({ id: one.id }),
    accountsUpdate: () => ({ id: one.id, body: { metadata: { at: newKey() } } }),
    accountsClose: async () => ({ id: (await client.open()).id }),
    transactionsCreate: () => ({ body: transfer() }),
    transactionsMint: () => ({ body: { recipient: one.id, amount: '1' } }),
    transactionsBurn: () => ({ body: { sender: one.id, amount: '1' } }),
    transactionsList: () => ({}),
    transactionsGet: async () => ({ id: (await client.transfer(one.id, other.id, 1)).id }),
    journalEvents: () => ({}),
    journalTrialBalance: () => ({}),
    operationsLive: () => ({}),
    operationsReady: () => ({}),
    operationsMetrics: () => ({}),
  };
}
