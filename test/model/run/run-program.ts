/** A program against the real product, in a ledger of its own: setup, all clients at once, then a look at everything. */
import { bodyOf, type JournalEvent, type LoggedCall, type RecordedRun } from '../check/call-log.js';
import { processes, type Operation, type Program } from '../generate/program.js';
import { Random } from '../generate/random.js';
import { Reads } from '../generate/reads.js';
import { Writes } from '../generate/writes.js';
import type { LedgerUnderTest } from './product-under-test.js';
import { CallLog } from './recording-client.js';
import { resolve } from './resolve.js';

export async function runProgram(ledger: LedgerUnderTest, program: Program): Promise<RecordedRun> {
  const log = new CallLog(await ledger.callersOf(program.callers));
  const answers = new Map<number, LoggedCall>();
  const play = async (client: number, operations: readonly Operation[]) => {
    for (const operation of operations) {
      answers.set(operation.number, await log.send(client, resolve(operation, answers)));
    }
  };
  await play(0, program.setup);
  await Promise.all(program.clients.map((operations, n) => play(n + 1, operations)));
  await readEverything(log, program, answers);
  return { calls: log.calls, journal: (await ledger.whole.journal()) as unknown as JournalEvent[] };
}

async function readEverything(
  log: CallLog,
  program: Program,
  answers: ReadonlyMap<number, LoggedCall>,
): Promise<void> {
  const limit = { 'page[limit]': '100' };
  const accounts = await pages(log, '/v1/accounts', limit);
  accounts.push(...(await pages(log, '/v1/accounts', { ...limit, 'filter[status]': 'closed' })));
  await pages(log, '/v1/transactions', limit);
  for (const caller of program.callers.keys()) if (caller > 0) await readAsCaller(log, caller);
  const looks = accounts.map(({ id }) => async () => {
    await log.send(0, { method: 'GET', path: `/v1/accounts/${id}` });
    await log.send(0, { method: 'GET', path: `/v1/accounts/${id}/statement`, query: wholeTime });
    await pages(log, `/v1/accounts/${id}/entries`, limit);
  });
  for (const query of [{}, { at: '2024-01-01T00:00:00Z', by: 'effective' }]) {
    looks.push(async () => void (await log.send(0, { method: 'GET', path: '/v1/trial-balance', query })));
  }
  looks.push(...randomLists(log, program, answers));
  const lookOn = async () => {
    for (let look = looks.pop(); look !== undefined; look = looks.pop()) await look();
  };
  await Promise.all(Array.from({ length: looksAtOnce }, lookOn));
}

/** What there is for callers who may not see all of it. */
async function readAsCaller(log: CallLog, caller: number): Promise<void> {
  const limit = { 'page[limit]': '100' };
  const accounts = await pages(log, '/v1/accounts', limit, caller);
  await pages(log, '/v1/transactions', limit, caller);
  await log.send(0, { method: 'GET', path: '/v1/events', query: { limit: '1000' }, caller });
  for (const { id } of accounts) {
    const query = { ...wholeTime, to: '2099-01-01T00:00:00Z' };
    const path = `/v1/accounts/${id}/statement`;
    await log.send(0, { method: 'GET', path, query, caller, accept: 'text/csv' });
  }
}

const looksAtOnce = 8;

const wholeTime = { from: '2000-01-01T00:00:00Z', by: 'effective' };

async function pages(
  log: CallLog,
  path: string,
  query: Record<string, string>,
  caller = 0,
): Promise<{ id: string }[]> {
  const rows: { id: string }[] = [];
  let cursor: string | null = null;
  do {
    const named: Record<string, string> = cursor === null ? query : { ...query, 'page[cursor]': cursor };
    // Pages of one list come from all processes.
    const process = rows.length % processes;
    const call = await log.send(0, { method: 'GET', path, query: named, caller, process });
    const { data, meta } = bodyOf(call);
    if (call.status !== 200) return rows;
    rows.push(...(data as { id: string }[]));
    cursor = meta?.page?.['nextCursor'] as string | null;
  } while (cursor !== null);
  return rows;
}

function randomLists(
  log: CallLog,
  { seed, setup, clients, callers, listsAtEnd }: Program,
  answers: ReadonlyMap<number, LoggedCall>,
): (() => Promise<void>)[] {
  const random = new Random(seed);
  const posts = [...setup, ...clients.flat()].filter(({ method }) => method === 'POST');
  const numbersOf = (isMeant: (path: string) => boolean) =>
    posts.filter(({ path }) => isMeant(path)).map(({ number }) => number);
  const generated = {
    accounts: numbersOf((path) => path === '/v1/accounts'),
    transactions: numbersOf((path) => /^\/v1\/(transactions|mints|burns)$/.test(path)),
    ...{ currencyOf: new Map(), ownerOf: new Map(), batches: [], holds: [], keyed: [], itemKeys: [] },
  };
  const reads = new Reads(random, generated, new Writes(random, generated));
  return Array.from({ length: listsAtEnd }, () => {
    const caller = random.chance(30) ? random.below(callers.length) : 0;
    const { path, query = {} } = resolve({ number: -1, ...reads.list() }, answers);
    const { 'page[page]': _, 'page[limit]': __, ...filters } = query;
    const limited = { ...filters, 'page[limit]': random.pick(['3', '20', '50']) };
    return async () => void (await pages(log, path, limited, caller));
  });
}
