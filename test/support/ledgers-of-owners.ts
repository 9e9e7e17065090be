import { scopes } from '#access';
import { Client, startService, type Answer, type One, type Service } from './client.js';
import { OPERATOR_API_KEY } from './product.js';

/** The ledger app with its first ledger, further ones, and clients of any owner in each. */
export interface LedgersOfOwners {
  readonly service: Service;
  /** With every scope in the first ledger. */
  readonly first: Client;
  /** Another ledger, live and empty: its first key, and its id. */
  addLedger(): Promise<{ readonly client: Client; readonly id: string }>;
  /** A new key of the same ledger, with every scope and no limit: bound to the owner, or to none. */
  clientOf(ledger: Client, ownerId: string | null): Promise<Client>;
  stop(): Promise<void>;
}

export async function startLedgersOfOwners(): Promise<LedgersOfOwners> {
  const service = await startService();
  const operator = new Client(service.product.url, OPERATOR_API_KEY);
  const clients = [operator];
  const clientWith = (secret: string) => {
    const client = new Client(service.product.url, secret);
    clients.push(client);
    return client;
  };
  return {
    service,
    first: service.client,
    async addLedger() {
      const organization = made(
        await operator.post<One<{ id: string }>>('/v1/organizations', { name: 'One' }),
      );
      const ledger = made(
        await operator.post<One<{ id: string; apiKey: { secret: string } }>>(
          `/v1/organizations/${organization.id}/ledgers`,
          { name: 'A ledger', mode: 'live' },
        ),
      );
      return { client: clientWith(ledger.apiKey.secret), id: ledger.id };
    },
    async clientOf(ledger, ownerId) {
      const key = {
        name: 'A key',
        scopes,
        rateLimitPerMinute: null,
        ...(ownerId === null ? {} : { ownerId }),
      };
      return clientWith(made(await ledger.post<One<{ secret: string }>>('/v1/api-keys', key)).secret);
    },
    async stop() {
      for (const client of clients) client.close();
      await service.stop();
    },
  };
}

function made<T>({ status, text, body }: Answer<One<T>>): T {
  if (status !== 201) throw new Error(`expected 201, not ${status}: ${text}`);
  return body.data;
}
