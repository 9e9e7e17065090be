/** One product for all runs, of several API processes on one database, with an empty ledger for each run. */
import type { ProgramCaller } from '../generate/program.js';
import { Client, type One } from '../../support/client.js';
import { startLedgersOfOwners } from '../../support/ledgers-of-owners.js';
import { startProduct } from '../../support/product.js';
import type { KnownCaller } from './recording-client.js';

export interface LedgerUnderTest {
  /** With every scope and without a rate limit. */
  readonly whole: Client;
  callersOf(callers: readonly ProgramCaller[]): Promise<KnownCaller[]>;
}

export interface ProductUnderTest {
  /** Of each process. */
  readonly urls: readonly string[];
  newLedger(): Promise<LedgerUnderTest>;
  stop(): Promise<void>;
}

export async function startProductUnderTest(): Promise<ProductUnderTest> {
  const ledgers = await startLedgersOfOwners();
  const { product, database } = ledgers.service;
  const second = await startProduct({ databaseUrl: database.ledgerUrl });
  const clients: Client[] = [];
  const secretOf = async (whole: Client, { scopes, ownerId, hasToken }: ProgramCaller): Promise<string> => {
    const asked = { scopes, ...(ownerId === null ? {} : { ownerId }) };
    if (hasToken) {
      const answer = await whole.post<One<{ token: string }>>('/v1/auth/client-tokens', asked);
      return answer.body.data.token;
    }
    const key = { name: 'A caller', rateLimitPerMinute: null, ...asked };
    return (await whole.post<One<{ secret: string }>>('/v1/api-keys', key)).body.data.secret;
  };
  return {
    urls: [product.url, second.url],
    async newLedger() {
      // The first key of a ledger has a rate limit.
      const whole = await ledgers.clientOf((await ledgers.addLedger()).client, null);
      const callersOf = async (callers: readonly ProgramCaller[]) => {
        const known: KnownCaller[] = [];
        for (const caller of callers) {
          const secret = await secretOf(whole, caller);
          const ofEach = [product, second].map(({ url }) => new Client(url, secret));
          clients.push(...ofEach);
          known.push({ caller, clients: ofEach });
        }
        return known;
      };
      return { whole, callersOf };
    },
    async stop() {
      for (const client of clients) client.close();
      await second.stop();
      await ledgers.stop();
    },
  };
}
