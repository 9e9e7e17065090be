/** The check is worth what it finds: a true record of a run, falsified in one place at a time. */
import { shownBy, type AccessCall, type AccessRun } from './check/access-log.js';
import { checkAccessRun } from './check/check-access-run.js';
import { checkRun } from './check/check-run.js';
import { bodyOf, type JournalEvent, type LoggedCall, type RecordedRun } from './check/call-log.js';
import { everybody, scopes } from './ledger/callers.js';
import { accessSetup, keeper, type AccessOperation } from './generate/access-program.js';
import type { Operation, Program } from './generate/program.js';
import { startProductUnderTest } from './run/product-under-test.js';
import { runAccessProgram } from './run/run-access-program.js';
import { runProgram } from './run/run-program.js';

const post = (path: string, body: object, more: Partial<Operation> = {}) => ({
  method: 'POST',
  path: `/v1/${path}`,
  body,
  ...more,
});
const get = (path: string, query: Record<string, string> = {}) => ({
  method: 'GET',
  path: `/v1/${path}`,
  query,
});
const [alice, bob, carol] = ['{account:0}', '{account:1}', '{account:2}'];
const [ann, shop] = ['{account:12}', '{account:13}'];
/** Everything here but her own account, and money that went to it and from it, is somebody else's. */
const asAnn = { caller: 1 };
const pay = (sender: string, recipient: string, amount: number) => ({ sender, recipient, amount });

const steps: Omit<Operation, 'number'>[] = [
  post('accounts', { name: 'Alice', currency: 'EUR', openingBalance: 100 }),
  post('accounts', { name: 'Bob', currency: 'EUR' }),
  post('accounts', { name: 'Carol', currency: 'EUR', openingBalance: 50 }),
  get(`transactions`, { 'filter[account]': '{account:0}' }),
  post('transactions', pay(alice, bob, 60)),
  post('transactions', pay(alice, bob, 60)),
  post('transactions', pay(carol, bob, 5), { key: 'one' }),
  post('transactions', pay(carol, bob, 5), { key: 'one' }),
  get(`accounts/${bob}/balance`),
  get('transactions', { 'filter[account]': '{account:0}' }),
  post('transactions', { ...pay(alice, bob, 20), pending: true }),
  post('transactions/{transaction:10}/capture', { amount: 5 }),
  post('accounts', { name: 'Ann', currency: 'EUR', ownerId: 'ann', openingBalance: 30 }),
  post('accounts', { name: 'Shop', currency: 'EUR', visibility: 'public', openingBalance: 70 }),
  post('transactions', pay(carol, ann, 7)),
  post('transactions', pay(ann, alice, 1), asAnn),
  post('transactions', pay(ann, shop, 2), asAnn),
  { ...get('transactions'), ...asAnn },
  { ...get('accounts'), ...asAnn },
  { ...get('events', { limit: '1000' }), ...asAnn },
  { ...get('transactions/{transaction:4}'), ...asAnn },
  { ...get(`accounts/${ann}/entries`), ...asAnn },
  post('transactions', pay(alice, bob, 1), { caller: 2 }),
  {
    ...get(`accounts/${bob}/statement`, { from: '2020-01-01T00:00:00Z', to: '2099-01-01T00:00:00Z' }),
    accept: 'text/csv',
  },
  {
    method: 'DELETE',
    path: `/v1/accounts/${alice}`,
    ifUnmodifiedSince: 'Mon, 01 Jan 2024 00:00:00 GMT',
  },
  post('transactions', { ...pay(carol, bob, 1), conditions: [{ accountId: 'ROOT', minPosted: 0 }] }),
];
const program: Program = {
  seed: 1,
  callers: [
    everybody,
    { scopes, ownerId: 'ann' },
    { scopes: ['accounts:read', 'transactions:read'], ownerId: null },
  ],
  setup: steps.map((step, number) => ({ number, ...step })),
  clients: [],
  listsAtEnd: 60,
};

const asKeeper = (method: string, path: string, body?: object, bearer = keeper) => ({
  ...{ bearer, method, path: `/v1/${path}` },
  ...(body === undefined ? {} : { body }),
});
const accessSteps: Omit<AccessOperation, 'number' | 'process'>[] = [
  ...accessSetup,
  asKeeper('POST', 'api-keys', { name: 'Reader', scopes: ['accounts:read'] }),
  asKeeper('GET', 'api-keys/{key:6}'),
  asKeeper('PATCH', 'api-keys/{key:6}', { name: 'Reader of accounts' }),
  asKeeper('POST', 'auth/client-tokens', { ownerId: 'owner-1', scopes: ['accounts:read'] }),
  asKeeper('GET', 'accounts', undefined, '{token:9}'),
  asKeeper('POST', 'api-keys/{key:6}/rotate', { overlapSeconds: 0 }),
  asKeeper('POST', 'accounts', {}, '{secret:11}'),
  asKeeper('GET', 'audit-log'),
  asKeeper('DELETE', 'api-keys/{key:6}'),
];

let run: RecordedRun;
let accessRun: AccessRun;

beforeAll(async () => {
  const product = await startProductUnderTest();
  try {
    run = await runProgram(await product.newLedger(), program);
    const operations = accessSteps.map((step, number) => ({ number, process: 0, ...step }));
    accessRun = await runAccessProgram(product.urls, { seed: 1, operations });
  } finally {
    await product.stop();
  }
}, 120_000);

/** Of the steps: what comes after them reads only. */
const step = (number: number): LoggedCall => run.calls[number]!;
const withCall = (number: number, changed: Partial<LoggedCall>): RecordedRun => ({
  ...run,
  calls: run.calls.map((call, n) => (n === number ? { ...call, ...changed } : call)),
});
const edited = (number: number, edit: (text: string) => string): RecordedRun =>
  withCall(number, { text: edit(step(number).text) });
const withJournal = (journal: readonly JournalEvent[]): RecordedRun => ({ ...run, journal });
const transferIn = (journal: readonly JournalEvent[]) =>
  journal.findIndex(({ data }) => data['amount'] === '60');

test('the true record is explained', () => {
  expect(checkRun(run)).toEqual([]);
  expect(run.calls.slice(0, steps.length).map(({ status }) => status)).toEqual([
    ...[201, 201, 201, 200, 201, 422, 201, 201, 200, 200, 201, 201],
    ...[201, 201, 201, 404, 201, 200, 200, 200, 404, 200, 403, 200, 412, 409],
  ]);
});

const falsified: [string, () => RecordedRun][] = [
  [
    'the second spending of the same money is answered as accepted',
    () => withCall(5, { status: 201, text: step(4).text.replace(/"txn_\w{10}/, '"txn_01jd3v5m7y') }),
  ],
  [
    'the second spending is given the answer of the first',
    () => withCall(5, { ...step(4), startedAt: 10.5 }),
  ],
  ['an event is missing', () => withJournal(run.journal.filter((_, n) => n !== transferIn(run.journal)))],
  [
    'an event is missing, and nobody sees it by the positions',
    () =>
      withJournal(
        run.journal
          .filter((_, n) => n !== transferIn(run.journal))
          .map((event, n) => ({ ...event, position: String(n + 1) })),
      ),
  ],
  [
    'an event comes twice',
    () => {
      const again = { ...run.journal.at(-1)!, position: String(run.journal.length + 1) };
      return withJournal([...run.journal, { ...again, recordedAt: '2099-01-01T00:00:00.000000Z' }]);
    },
  ],
  [
    'an event moves another amount',
    () =>
      withJournal(
        run.journal.map((event, n) =>
          n === transferIn(run.journal) ? { ...event, data: { ...event.data, amount: '61' } } : event,
        ),
      ),
  ],
  ['a balance is another one', () => edited(8, (text) => text.replace('"posted":"65"', '"posted":"66"'))],
  [
    'a balance in the answer to a write is another one',
    () => edited(4, (text) => text.replace('"posted":"40"', '"posted":"41"')),
  ],
  [
    'a list has a row of another account',
    () =>
      edited(9, (text) => {
        const body = JSON.parse(text) as { data: unknown[] };
        const { balances: _, ...foreign } = bodyOf(step(6)).data as Record<string, unknown>;
        return JSON.stringify({ ...body, data: [foreign, ...body.data] });
      }),
  ],
  [
    "an owner's list has a transaction of others",
    () =>
      edited(17, (text) => {
        const body = JSON.parse(text) as { data: unknown[] };
        const { balances: _, ...foreign } = bodyOf(step(6)).data as Record<string, unknown>;
        return JSON.stringify({ ...body, data: [...body.data, foreign] });
      }),
  ],
  [
    "an owner's list lacks one of theirs",
    () =>
      edited(17, (text) => {
        const body = JSON.parse(text) as { data: unknown[] };
        return JSON.stringify({ ...body, data: body.data.slice(1) });
      }),
  ],
  [
    'an owner is told who has paid from a private account',
    () => edited(17, (text) => text.replace('"sender":null', `"sender":"${idShownBy(2)}"`)),
  ],
  [
    'an owner is told it in an entry',
    () => edited(21, (text) => text.replace('"counterparty":null', `"counterparty":"${idShownBy(2)}"`)),
  ],
  [
    "an owner is told the balance of another's public account",
    () =>
      edited(18, (text) => {
        const body = JSON.parse(text) as { data: { id: string }[] };
        const { balance } = bodyOf(step(13)).data as { balance: unknown };
        const data = body.data.map((row) => (row.id === idShownBy(13) ? { ...row, balance } : row));
        return JSON.stringify({ ...body, data });
      }),
  ],
  [
    'an owner is given an event of others',
    () =>
      edited(19, (text) => {
        const body = JSON.parse(text) as { data: unknown[] };
        return JSON.stringify({ ...body, data: [run.journal[0], ...body.data] });
      }),
  ],
  [
    'an owner is told whose key has written an event',
    () => edited(19, (text) => text.replace('"actor":null', `"actor":"${run.journal[0]!.actor}"`)),
  ],
  ['an owner finds a transaction of others', () => withCall(20, { status: 200, text: step(4).text })],
  [
    "an owner is told that another's private account is there",
    () => withCall(15, { status: 403, text: step(22).text }),
  ],
  ['who may not write is refused for want of money', () => withCall(22, { status: 422, text: step(5).text })],
  ['a list does not show what was answered before', () => withCall(9, { text: step(3).text })],
  [
    'a refusal has another code',
    () => edited(5, (text) => text.replace('insufficient_funds', 'balance_limit_exceeded')),
  ],
  [
    'what there is money for is refused',
    () => ({ ...run, calls: [...run.calls, { ...step(5), body: pay('ROOT', idShownBy(1), 1) }] }),
  ],
  [
    'a misspelt field is passed over',
    () => withCall(4, { body: { ...(step(4).body as object), refrence: 'Rent' } }),
  ],
  [
    'a null is taken for a field that is not there',
    () => withCall(4, { body: { ...(step(4).body as object), pending: null } }),
  ],
  [
    'a misspelt filter returns everything',
    () => withCall(9, { query: { ...step(9).query, 'filter[acount]': 'ROOT' } }),
  ],
  ['a line of a file has another amount', () => edited(23, (text) => text.replace(',60,', ',61,'))],
  ['a file lacks a line', () => edited(23, (text) => text.slice(0, text.lastIndexOf('evt_')))],
  [
    'what was changed since is refused for another reason',
    () => withCall(24, { status: 409, text: step(25).text.replace('version_conflict', 'account_not_empty') }),
  ],
  ['a condition on ROOT is passed over', () => withCall(25, { status: 422, text: step(5).text })],
  ['a replay differs by a byte', () => edited(7, (text) => `${text} `)],
  ['a replay says that it is none', () => withCall(7, { isReplayed: false })],
  ['what was captured is more', () => edited(11, (text) => text.replaceAll('"amount":"5"', '"amount":"6"'))],
];

const idShownBy = (number: number): string => (bodyOf(step(number)).data as { id: string }).id;

test.each(falsified)('it is found that %s', (_, falsify) => {
  expect(checkRun(falsify())).not.toEqual([]);
});

const accessStep = (number: number): AccessCall => accessRun.calls[number]!;
const withAccessCall = (number: number, changed: Partial<AccessCall>): AccessRun => ({
  ...accessRun,
  calls: accessRun.calls.map((call, n) => (n === number ? { ...call, ...changed } : call)),
});
const editedAccess = (number: number, edit: (text: string) => string): AccessRun =>
  withAccessCall(number, { text: edit(accessStep(number).text) });
const withAuditLog = (made: AccessRun['auditLogs']['made']): AccessRun => ({
  ...accessRun,
  auditLogs: { ...accessRun.auditLogs, made },
});

test('the true record of administering access is explained', () => {
  expect(checkAccessRun(accessRun)).toEqual([]);
  expect(accessRun.calls.slice(accessSetup.length, accessSteps.length).map(({ status }) => status)).toEqual([
    ...[201, 200, 200, 201, 200, 200, 403, 200, 204],
  ]);
});

const falsifiedAccess: [string, () => AccessRun][] = [
  ['an entry of the audit log is missing', () => withAuditLog(accessRun.auditLogs.made.toSpliced(2, 1))],
  [
    'an entry of the audit log comes twice',
    () => withAuditLog([accessRun.auditLogs.made[0]!, ...accessRun.auditLogs.made]),
  ],
  [
    'a page of the audit log lacks an entry',
    () =>
      editedAccess(13, (text) => {
        const body = JSON.parse(text) as { data: unknown[] };
        return JSON.stringify({ ...body, data: body.data.toSpliced(1, 1) });
      }),
  ],
  [
    'a key shows its secret again',
    () =>
      editedAccess(7, (text) => {
        const { data } = JSON.parse(text) as { data: object };
        return JSON.stringify({ data: { ...data, secret: shownBy(accessStep(6))['secret'] } });
      }),
  ],
  [
    'the audit log shows a secret',
    () =>
      editedAccess(13, (text) => text.replace('"Reader"', JSON.stringify(shownBy(accessStep(6))['secret']))),
  ],
  ['a key is given a secret of before', () => withAccessCall(11, { text: withSecretOf(6) })],
  [
    'a key may do more than was asked for',
    () => editedAccess(6, (text) => text.replace('s:read"', 's:read","admin"')),
  ],
  [
    'a token opens the account of nobody',
    () =>
      editedAccess(10, (text) => {
        const { data, ...body } = JSON.parse(text) as { data: object[] };
        return JSON.stringify({ ...body, data: [...data, shownBy(accessStep(3))] });
      }),
  ],
  [
    'a key opens what it has no scope for',
    () => withAccessCall(12, { status: 400, text: '{"error":{"code":"validation_error"}}' }),
  ],
  [
    'a secret opens the ledger after its key has ended',
    () => {
      const secret = shownBy(accessStep(11))['secret'];
      const number = accessRun.calls.findLastIndex(
        ({ bearer, path }) => bearer === secret && path === '/v1/accounts',
      );
      return withAccessCall(number, { status: 200, text: '{"data":[]}', rateLimit: '6000' });
    },
  ],
];

function withSecretOf(number: number): string {
  const { text } = accessStep(11);
  return text.replace(/sk_live_\w+/, String(shownBy(accessStep(number))['secret']));
}

test.each(falsifiedAccess)('it is found that %s', (_, falsify) => {
  expect(checkAccessRun(falsify())).not.toEqual([]);
});
