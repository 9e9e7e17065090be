import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  dispatcherRoutes,
  ledgerRoutes,
  type DeclaredRoute,
} from '../../tools/access-matrix/declared-routes.js';
import {
  callerKinds,
  expectedAnswers,
  type CallerKind,
  type Expected,
} from '../../tools/access-matrix/expected-answers.js';
import { AccessCallers } from '../support/access-callers.js';
import { startBothApps, type BothApps } from '../support/both-apps.js';
import { Client, type Answer, type ErrorBody } from '../support/client.js';
import { projectDirectory } from '../support/config.js';
import { registeredDispatcherRoutes, registeredRoutes } from '../support/registered-routes.js';

/** Each route, called by each who may and may not: the table of docs/ACCESS-MATRIX.md. */
let apps: BothApps;
let callers: AccessCallers;
const clients: Client[] = [];

beforeAll(async () => {
  apps = await startBothApps();
  callers = await AccessCallers.of(apps, (secret) => {
    const client = new Client(apps.ledger.url, secret);
    clients.push(client);
    return client;
  });
}, 60_000);

afterAll(async () => {
  for (const client of clients) client.close();
  await apps.stop();
});

const isPassedOn = ({ path }: DeclaredRoute) => path.startsWith('/v1/');
const calls: readonly (readonly [address: string, name: string, route: DeclaredRoute])[] = [
  ...ledgerRoutes.map((route) => ['the ledger', route.name, route] as const),
  ...dispatcherRoutes.map((route) => ['the dispatcher', route.name, route] as const),
  ...dispatcherRoutes
    .filter(isPassedOn)
    .map((route) => ['the ledger, which passes it on', route.name, route] as const),
];

describe.each(['the ledger', 'the dispatcher', 'the ledger, which passes it on'])('%s', (address) => {
  const ofAddress = calls.filter(([one]) => one === address);
  const url = () => (address === 'the dispatcher' ? apps.dispatcher.url : apps.ledger.url);

  test.each(ofAddress.map(([, name, route]) => [name, route] as const))('%s', async (_name, route) => {
    const answers = await callers.answersTo(route, url());
    const expected = expectedAnswers(route);
    const told: Partial<Record<CallerKind, string>> = {};
    for (const kind of callerKinds) {
      told[kind] = await toldOf(kind, route, url(), answers, expected[kind]);
    }
    expect(told).toEqual(expected);
  });
});

/** An answer in the table's words; with its text where it is neither what was expected nor told so easily. */
async function toldOf(
  kind: CallerKind,
  route: DeclaredRoute,
  url: string,
  answers: Readonly<Record<CallerKind, Answer>>,
  expected: Expected,
): Promise<string> {
  const answer = answers[kind];
  if (!expected.startsWith(String(answer.status))) return `${answer.status} ${answer.text}`;
  if (answer.status >= 400) return isRightlyCoded(answer) ? `${answer.status}` : answer.text;
  if (expected.endsWith('empty')) {
    const shared = sharedRows(answers['right key'], answer);
    return shared.length === 0 ? `${answer.status}, empty` : `${answer.status}, shows ${shared[0]}`;
  }
  if (!expected.endsWith('own')) return `${answer.status}`;
  const isFound = await callers.isFoundElsewhere(kind, route, url, answer);
  return isFound ? `${answer.status}, found elsewhere` : `${answer.status}, own`;
}

function isRightlyCoded({ status, body }: Answer): boolean {
  const { code } = (body as { error: ErrorBody }).error;
  const codes: Record<number, RegExp> = {
    401: /^unauthorized$/,
    403: /^forbidden$/,
    404: /^\w*not_found$/,
    422: /^batch_refused$/,
  };
  return codes[status]?.test(code) ?? false;
}

/** What both lists have; it proves nothing where the right one has nothing. */
function sharedRows(right: Answer, strange: Answer): string[] {
  const rowsOf = ({ body }: Answer) => {
    const { data } = body as { data: unknown };
    return (Array.isArray(data) ? data : [data]).map((row) => JSON.stringify(row));
  };
  if (rowsOf(right).length === 0) return ['nothing, even to the right key'];
  const known = new Set(rowsOf(right));
  return rowsOf(strange).filter((row) => known.has(row));
}

test('every route that the apps have is in the table, and none that they have not', async () => {
  const { ledgerUrl, dispatcherUrl } = apps.database;
  const walked = [await registeredRoutes(ledgerUrl), await registeredDispatcherRoutes(dispatcherUrl)];
  const inTable = [ledgerRoutes, dispatcherRoutes];
  const toldOfAll = (routes: readonly { name: string; access: string | undefined }[]) =>
    routes.map(({ name, access }) => `${name} ${access}`).sort();
  expect(inTable.map(toldOfAll)).toEqual(walked.map(toldOfAll));
});

test('the page is what `npm run access-matrix` prints', () => {
  const command = ['tools/run-built.mjs', 'tools/access-matrix/main'];
  const { stdout, stderr } = spawnSync(process.execPath, command, {
    cwd: projectDirectory,
    encoding: 'utf8',
  });
  const page = readFileSync(join(projectDirectory, 'docs/ACCESS-MATRIX.md'), 'utf8');
  expect([stdout, stderr]).toEqual([page, '']);
});
