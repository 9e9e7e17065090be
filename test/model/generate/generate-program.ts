import { generateCallers, owners } from './callers.js';
import { processes, type Operation, type Program, type ProgramCaller } from './program.js';
import { Random } from './random.js';
import { spoilt } from './spoil.js';
import { Reads } from './reads.js';
import { Writes, type Draft, type Generated } from './writes.js';

export interface ProgramSize {
  readonly operations: number;
  readonly clients: number;
}

const readsPercent = 40;
const fewerRightsPercent = 30;
const spoiltPercent = 8;
const listsAtEnd = 60;

/** The same seed and size, the same program. */
export function generateProgram(seed: number, { operations, clients }: ProgramSize): Program {
  const random = new Random(seed);
  const generated: Generated = {
    accounts: [],
    currencyOf: new Map(),
    ownerOf: new Map(),
    transactions: [],
    batches: [],
    holds: [],
    keyed: [],
    itemKeys: [],
  };
  const writes = new Writes(random, generated);
  const reads = new Reads(random, generated, writes);
  const callers = generateCallers(random);
  let number = 0;
  const numbered = (draft: Draft, isRandom: boolean): Operation => {
    const operation = { number, ...draft };
    number += 1;
    remember(generated, callers, reads, operation);
    return isRandom && random.chance(spoiltPercent) ? spoilt(random, operation) : operation;
  };
  const setup = [...currenciesAndRates, ...firstAccounts].map((draft) => numbered(draft, false));
  const programs: Operation[][] = Array.from({ length: clients }, () => []);
  for (let n = 0; n < operations; n++) {
    const caller = random.chance(fewerRightsPercent) ? random.below(callers.length) : 0;
    const { ownerId } = callers[caller]!;
    const asked = random.chance(readsPercent) ? reads.next(ownerId) : writes.next(ownerId);
    const process = random.below(processes);
    const draft = { ...(caller === 0 ? {} : { caller }), ...asked, process };
    programs[random.below(clients)]!.push(numbered(draft, true));
  }
  return { seed, callers, setup, clients: programs, listsAtEnd };
}

const currenciesAndRates: Draft[] = [
  { method: 'POST', path: '/v1/currencies', body: { code: 'PTS', exponent: 0, name: 'Points' } },
  { method: 'POST', path: '/v1/currencies', body: { code: 'GRN', exponent: 5, name: 'Grains' } },
  ...[
    ['EUR', 'USD', '1.0837'],
    ['USD', 'EUR', '0.5'],
    ['EUR', 'JPY', '150'],
    ['EUR', 'PTS', '10'],
    ['PTS', 'GRN', '0.0015'],
  ].map(([from, to, rate]) => ({
    method: 'PUT',
    path: `/v1/exchange-rates/${from}/${to}`,
    body: { rate },
  })),
];

const firstAccounts: Draft[] = [
  { currency: 'EUR', openingBalance: 1_000 },
  { currency: 'EUR', openingBalance: '500', maxBalance: '1000' },
  { currency: 'EUR', minBalance: '-100' },
  { currency: 'EUR', openingBalance: 200, ownerId: 'owner-1', externalId: 'ext-1' },
  { currency: 'EUR', minBalance: null },
  { currency: 'USD', openingBalance: 1_000 },
  { currency: 'JPY', openingBalance: 1_000 },
  { currency: 'PTS', openingBalance: 300 },
  { currency: 'GRN', minBalance: null },
  ...owners.flatMap((ownerId, n) => [
    { currency: 'EUR', openingBalance: 800, ownerId, visibility: 'public' },
    { currency: n === 0 ? 'USD' : 'EUR', openingBalance: 400, ownerId, visibility: 'unlisted' },
  ]),
].map((fields, n) => ({ method: 'POST', path: '/v1/accounts', body: { name: `Account ${n}`, ...fields } }));

function remember(
  generated: Generated,
  callers: readonly ProgramCaller[],
  reads: Reads,
  operation: Operation,
): void {
  const { caller = 0, number, method, path, body, key } = operation;
  if (method === 'GET') {
    if (operation.query?.['page[limit]'] !== undefined) reads.pages.push(operation);
    return;
  }
  if (key !== undefined) generated.keyed.push(operation);
  if (method !== 'POST' || path === '/v1/currencies') return;
  if (path === '/v1/accounts') {
    generated.accounts.push(number);
    const { currency, ownerId } = body as { currency?: unknown; ownerId?: string };
    generated.currencyOf.set(number, currency);
    generated.ownerOf.set(number, callers[caller]!.ownerId ?? ownerId ?? null);
  } else if (path.endsWith('/batch')) {
    const items = (body as { transactions?: unknown[] }).transactions?.length ?? 0;
    if (items > 0) generated.batches.push({ number, items });
  } else if (!path.endsWith('/void')) {
    generated.transactions.push(number);
    if ((body as { pending?: unknown }).pending === true) generated.holds.push(number);
  }
}
