import type { RunningProduct } from './config.js';
import { Load, type Tally } from './load.js';
import { httpRequest } from './transfers.js';

const CONNECTIONS = 64;
/** Enough for a day of transfers out of one account. */
const OPENING_BALANCE = '1000000000000000';

export interface OpenedAccounts {
  readonly ids: readonly string[];
  readonly tally: Tally;
}

/** Opens the accounts that the transfers go between, in EUR, each with an opening balance. */
export async function openAccounts(
  product: RunningProduct,
  accounts: number,
  run: string,
  stop: AbortSignal,
): Promise<OpenedAccounts> {
  const ids: string[] = [];
  let asked = 0;
  const traffic = {
    next() {
      if (asked === accounts) return undefined;
      asked += 1;
      const json = `{"name":"Account ${asked}","currency":"EUR","openingBalance":"${OPENING_BALANCE}"}`;
      return httpRequest('POST /v1/accounts', product.apiKey, {
        json,
        idempotencyKey: `${run}-account-${asked}`,
      });
    },
    onAnswer({ status, body }: { status: number; body: Buffer }) {
      if (status === 201) ids.push((JSON.parse(body.toString('utf8')) as { data: { id: string } }).data.id);
    },
  };
  const load = new Load(product.url, CONNECTIONS, traffic, 201);
  stop.addEventListener('abort', () => load.abort());
  await load.untilExhausted();
  stop.throwIfAborted();
  const tally = load.take();
  if (ids.length !== accounts) {
    const refusals = [...tally.refusals].map(([code, count]) => `${count} × ${code}`).join(', ');
    throw new Error(
      `Only ${ids.length} of ${accounts} accounts were opened: ${refusals || 'connections failed'}.`,
    );
  }
  return { ids, tally };
}
