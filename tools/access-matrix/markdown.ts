import { dispatcherRoutes, ledgerRoutes, type DeclaredRoute } from './declared-routes.js';
import { callerKinds, callers, expectedAnswers } from './expected-answers.js';

/** The page as Prettier would leave it. */
export function accessMatrix(): string {
  return [
    '# Who is answered what',
    'Every route of both apps, and what the same request, which is in order and names what is of one ledger and one owner, is answered by who sends it. `npm run access-matrix` prints this page from the declarations of the routes; a test makes each of the calls, and fails for a route without a row.',
    Object.entries(callers)
      .map(([kind, meaning]) => `- **${kind}**: ${meaning}`)
      .join('\n'),
    '`empty`: the list has nothing of what the request is about. `own`: what is made is made on the side of whoever asked for it, and is not found from the other one. Access is the scope that a route asks for, or `open` (no key), `any-key`, `operator` (`OPERATOR_API_KEY` alone).',
    "## The ledger's routes",
    tableOf(ledgerRoutes),
    "## The webhook dispatcher's routes",
    "The same at its own address and, for what begins with `/v1`, at the ledger's.",
    tableOf(dispatcherRoutes),
  ]
    .join('\n\n')
    .concat('\n');
}

function tableOf(routes: readonly DeclaredRoute[]): string {
  const rows = routes.map((route) => {
    const expected = expectedAnswers(route);
    return [`\`${route.name}\``, route.access, ...callerKinds.map((kind) => expected[kind])];
  });
  const table = [['route', 'access', ...callerKinds], ...rows];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  const lines = table.map((row) => row.map((cell, column) => cell.padEnd(widths[column]!)));
  lines.splice(
    1,
    0,
    widths.map((width) => '-'.repeat(width)),
  );
  return lines.map((line) => `| ${line.join(' | ')} |`).join('\n');
}
