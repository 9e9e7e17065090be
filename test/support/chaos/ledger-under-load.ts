import { scopes } from '#access';
import { Client, type One } from '../client.js';
import type { FleetEndpoint } from '../fleet.js';
import { BOOTSTRAP_API_KEY, OPERATOR_API_KEY } from '../product.js';
import { apiNames, type ChaosFleet } from './chaos-fleet.js';

const accountsPerLedger = 24;
/** Little enough for some transfers to be refused. */
const openingBalance = 5_000;
const rememberedMax = 150;

/** One of the ledgers that the clients use, and what they know of it. */
export interface LedgerUnderLoad {
  readonly name: string;
  /** Through the proxy of each API. */
  readonly clients: readonly Client[];
  /** Past the proxies, for who compares. */
  readonly client: Client;
  /** The first is in more transfers than others. */
  readonly accountIds: readonly string[];
  readonly endpoints: readonly FleetEndpoint[];
  /** Of what was answered last: transactions that can be reversed, and holds. */
  readonly settledIds: string[];
  readonly holdIds: string[];
}

export function remember(ids: string[], id: string): void {
  ids.push(id);
  if (ids.length > rememberedMax) ids.shift();
}

/** Each with two endpoints, one in any order and one in order per account, and accounts that have some money. */
export async function openLedgers(chaos: ChaosFleet, count: number): Promise<LedgerUnderLoad[]> {
  const keys = [BOOTSTRAP_API_KEY];
  while (keys.length < count) keys.push(await keyOfNewLedger(chaos, `Ledger ${keys.length + 1}`));
  const ledgers: LedgerUnderLoad[] = [];
  for (const [n, key] of keys.entries()) {
    const name = `ledger-${n + 1}`;
    const { fleet } = chaos;
    const client = new Client(fleet.client.url, key);
    const endpoints = [
      ...(await fleet.addEndpoints([`${name}-any-order`], {}, key)),
      ...(await fleet.addEndpoints([`${name}-by-account`], { ordering: 'account' }, key)),
    ];
    const accountIds: string[] = [];
    while (accountIds.length < accountsPerLedger) accountIds.push((await client.open({ openingBalance })).id);
    const clients = apiNames.map(
      (api) => new Client((chaos.http.get(api)?.url ?? '').replace(/\/$/, ''), key),
    );
    ledgers.push({ name, clients, client, accountIds, endpoints, settledIds: [], holdIds: [] });
  }
  return ledgers;
}

/** Without a limit of requests. */
async function keyOfNewLedger({ fleet }: ChaosFleet, name: string): Promise<string> {
  const operator = new Client(fleet.client.url, OPERATOR_API_KEY);
  const organization = await operator.post<One<{ id: string }>>('/v1/organizations', { name });
  const made = await operator.post<One<{ apiKey: { secret: string } }>>(
    `/v1/organizations/${organization.body.data.id}/ledgers`,
    { name, mode: 'live' },
  );
  operator.close();
  const first = new Client(fleet.client.url, made.body.data.apiKey.secret);
  const fields = { name: 'Clients', scopes, rateLimitPerMinute: null };
  const key = await first.post<One<{ secret: string }>>('/v1/api-keys', fields);
  first.close();
  return key.body.data.secret;
}
