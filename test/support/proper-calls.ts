import type pg from 'pg';
import { newKey, type Account, type Client, type One } from './client.js';
import type { Call } from './documented-api.js';
import { createEndpoint, plantDelivery } from './webhook-fixtures.js';

/** Of each operation, by its id, a request that is in order. */
export type ProperCalls = Readonly<Record<string, () => Call | Promise<Call>>>;

/** `one` has money; `operator` calls with the operator's key. */
export function properCalls(client: Client, operator: Client, one: Account, other: Account): ProperCalls {
  const made = async (caller: Client, path: string, body: object) =>
    (await caller.post<One<{ id: string }>>(path, body)).body.data.id;
  const apiKey = () => made(client, '/v1/api-keys', { name: 'A key', scopes: ['accounts:read'] });
  const organization = () => made(operator, '/v1/organizations', { name: 'Acme' });
  const transfer = () => ({ sender: one.id, recipient: other.id, amount: '1' });
  const hold = async () => ({ id: (await client.hold(one.id, other.id, 100)).id });
  return {
    accountsOpen: () => ({ body: { name: 'Carol', currency: 'EUR' } }),
    accountsList: () => ({}),
    accountsGet: () => ({ id: one.id }),
    accountsBalance: () => ({ id: one.id }),
    accountsEntries: () => ({ id: one.id }),
    statementsGet: () => ({ id: one.id, query: { from: '2020-01-01T00:00:00Z' } }),
    accountsUpdate: () => ({ id: one.id, body: { metadata: { at: newKey() } } }),
    accountsClose: async () => ({ id: (await client.open()).id }),
    transactionsCreate: () => ({ body: transfer() }),
    transactionsMint: () => ({ body: { recipient: one.id, amount: '1' } }),
    transactionsBurn: () => ({ body: { sender: one.id, amount: '1' } }),
    transactionsList: () => ({}),
    transactionsGet: async () => ({ id: (await client.transfer(one.id, other.id, 1)).id }),
    batchesCreate: () => ({ body: { mode: 'atomic', transactions: [transfer()] } }),
    holdsCapture: hold,
    holdsVoid: hold,
    holdsExtend: async () => ({ ...(await hold()), body: { expiresAt: '2099-12-31T23:59:59Z' } }),
    reversalsCreate: async () => ({ id: (await client.transfer(one.id, other.id, 100)).id }),
    exchangeRatesSet: () => ({ parameters: { from: 'EUR', to: 'NOK' }, body: { rate: '11.5' } }),
    exchangeRatesList: () => ({}),
    currenciesAdd: () => ({ body: { code: newKey().replaceAll('-', ''), exponent: 2, name: 'Points' } }),
    currenciesList: () => ({}),
    periodsClose: () => ({ body: { date: '2020-12-31' } }),
    periodsGet: () => ({}),
    journalEvents: () => ({}),
    journalTrialBalance: () => ({}),
    apiKeysCreate: () => ({ body: { name: 'A key', scopes: ['accounts:read'], rateLimitPerMinute: 10 } }),
    apiKeysList: () => ({}),
    apiKeysGet: async () => ({ id: await apiKey() }),
    apiKeysUpdate: async () => ({ id: await apiKey(), body: { name: 'Another name' } }),
    apiKeysDelete: async () => ({ id: await apiKey() }),
    apiKeysRotate: async () => ({ id: await apiKey(), body: { overlapSeconds: 60 } }),
    clientTokensIssue: () => ({ body: { ownerId: 'alice', scopes: ['accounts:read'] } }),
    clientTokensPublicKeys: () => ({}),
    organizationsCreate: () => ({ body: { name: 'Acme' } }),
    organizationsList: () => ({}),
    organizationsGet: async () => ({ id: await organization() }),
    organizationsCreateLedger: async () => ({
      id: await organization(),
      body: { name: 'Wallets', mode: 'test' },
    }),
    organizationsLedgers: async () => ({ id: await organization() }),
    auditLogList: () => ({}),
    operationsLive: () => ({}),
    operationsReady: () => ({}),
    operationsMetrics: () => ({}),
  };
}

export interface WebhookCallsOf {
  /** With both scopes for webhooks in the ledger. */
  readonly client: Client;
  readonly ledgerId: string;
  /** As the superuser, to plant deliveries. */
  readonly db: pg.Client;
  /** Where the endpoints are. */
  readonly url: () => string;
}

/** The same of the dispatcher's operations. */
export function properWebhookCalls({ client, ledgerId, db, url }: WebhookCallsOf): ProperCalls {
  const endpoint = async () => ({ id: (await createEndpoint(client, { url: url() })).id });
  const endpointAnd = (body: object) => async () => ({ ...(await endpoint()), body });
  const delivery = async (status: string) => {
    const { id } = await endpoint();
    return { id: await plantDelivery(db, { ledgerId, endpointId: id, status }) };
  };
  return {
    webhookEndpointsCreate: () => ({ body: { url: url() } }),
    webhookEndpointsList: () => ({}),
    webhookEndpointsGet: endpoint,
    webhookEndpointsUpdate: endpointAnd({ description: 'x' }),
    webhookEndpointsDelete: endpoint,
    webhookEndpointsEnable: endpoint,
    webhookEndpointsDisable: endpoint,
    webhookEndpointsRotateSecret: endpointAnd({}),
    webhookEndpointsTest: endpointAnd({ eventType: 'transaction.posted' }),
    webhookEndpointsRecover: endpointAnd({ since: '2026-01-31T00:00:00Z' }),
    webhookEndpointsStats: endpoint,
    webhookDeliveriesList: () => ({}),
    webhookDeliveriesListOfEndpoint: endpoint,
    webhookDeliveriesGet: () => delivery('succeeded'),
    webhookDeliveriesRetry: () => delivery('failed'),
    eventTypesList: () => ({}),
    operationsLive: () => ({}),
    operationsReady: () => ({}),
    operationsMetrics: () => ({}),
  };
}
