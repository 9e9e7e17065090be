import { endToEnd, integration, plant, testsOf, withError } from './plant.mjs';

/** What is read: lists, balances of the past and statements are the journal's, and the reader's own. */
const source = (name) => `apps/ledger/src/${name}.ts`;
const oneLedger = 'test/architecture/one-ledger.spec.ts';

const projecting = [
  plant(
    'a projection goes on before its rows are written',
    source('projections/projection-turn'),
    `  const projected: Stop =
    upTo > after`,
    `  await saveCheckpoint(db, ledgerId, projection.name, { position: upTo, parkedReason: null });
  await db.query('COMMIT');
  await db.query('BEGIN');
  const projected: Stop =
    upTo > after`,
    testsOf(integration('projections'), 'saves rows and checkpoint together or neither'),
  ),
  withError(
    'lock timeout',
    plant(
      'two processes project the same events',
      source('projections/checkpoints'),
      ` FOR UPDATE SKIP LOCKED`,
      ``,
      testsOf(integration('projections'), 'another process has'),
    ),
  ),
  plant(
    'a projection passes over an event that it does not know',
    source('projections/projection-turn'),
    `const upTo = unknown ? unknown.position - 1n : whole;`,
    `const upTo = whole;`,
    testsOf(integration('projections'), 'a turn'),
  ),
  plant(
    'a list shows how far a transaction had come first',
    source('projections/progress-of-transactions'),
    `FROM progressed ORDER BY transaction_id, position DESC`,
    `FROM progressed ORDER BY transaction_id, position`,
    integration('lifecycle-lists'),
  ),
  plant(
    'a reader does not wait for what was written before it asked',
    source('projections/projection-waiter'),
    `const isReached = waiting.target <= progress.reached;`,
    `const isReached = waiting.target <= progress.reached + 1n;`,
    testsOf(integration('projections'), 'the waiter'),
  ),
  plant(
    'a back-dated leg counts twice in a balance by effective time',
    source('accounts/balances-at'),
    `posted + effective - backdated`,
    `posted + effective - backdated * 0n`,
    testsOf(integration('balance-at'), 'as of any time'),
  ),
  plant(
    'a balance as of a time leaves that time itself out',
    source('projections/position-bounds'),
    `lte === undefined ? undefined : lte + 1n`,
    `lte === undefined ? undefined : lte`,
    testsOf(integration('balance-at'), 'as of any time'),
  ),
  plant(
    'the trial balance leaves a currency out',
    source('journal/get-trial-balance'),
    `const lines = rows.flatMap(`,
    `const lines = rows.slice(0, 1).flatMap(`,
    testsOf(integration('balance-at'), 'is the fold as well'),
  ),
  plant(
    'the trial balance leaves the system accounts out',
    source('journal/get-trial-balance'),
    `FROM ledger.accounts WHERE ledger_id = $1 GROUP BY currency`,
    `FROM ledger.accounts WHERE ledger_id = $1 AND system IS NULL GROUP BY currency`,
    testsOf(integration('balance-at'), 'of now counts no money'),
  ),
  plant(
    'a statement has what was recorded in its last microsecond twice',
    source('accounts/get-statement'),
    `const times = [from - 1n, to - 1n];`,
    `const times = [from - 1n, to];`,
    testsOf(integration('statement'), 'statements of a random ledger'),
  ),
  plant(
    'a statement that is merged takes equal times in any order',
    source('accounts/statement-lines'),
    `return a.position === b.position ? a.leg < b.leg : a.position < b.position;`,
    `return a.position === b.position ? a.leg < b.leg : a.position > b.position;`,
    testsOf(integration('statement'), 'takes effect at the same time'),
  ),
  plant(
    'a formula in a reference is one in the CSV',
    source('accounts/statement-csv'),
    `escape_formulas: true`,
    `escape_formulas: false`,
    source('accounts/statement-csv.spec'),
  ),
  plant(
    'a page of entries skips the other legs of the last event',
    source('accounts/list-entries'),
    `(e.position, e.leg) < (\${values.add(position)}::bigint, \${values.add(leg)}::integer)`,
    `e.position < \${values.add(position)}::bigint AND \${values.add(leg)}::integer > 0`,
    testsOf(integration('list-accounts'), 'between the legs of one event'),
  ),
  plant(
    'a cursor is good for other filters',
    'libs/platform/src/pages.ts',
    `!text.startsWith(scopeDigest(scope))`,
    `!text.startsWith(scopeDigest(scope).slice(0, 0))`,
    'libs/platform/src/pages.spec.ts',
  ),
];

const walls = [
  plant(
    'the journal is read whatever ledger it is of',
    'libs/journal/src/read-events.ts',
    `WHERE v.ledger_id = $1 AND v.position > $2 ORDER BY v.position LIMIT $3`,
    `WHERE v.position > $2 ORDER BY v.position LIMIT $3`,
    endToEnd('walls'),
  ),
  plant(
    'a transaction is found whatever ledger it is of',
    'libs/journal/src/read-transaction.ts',
    `WHERE v.ledger_id = $1 AND v.transaction_id = $2 ORDER BY v.position LIMIT 1`,
    `WHERE v.transaction_id = $2 ORDER BY v.position LIMIT 1`,
    endToEnd('walls'),
  ),
  plant(
    'a statement names no ledger',
    'libs/journal/src/read-transaction.ts',
    `/** A transaction as it was made`,
    `export const planted = 'SELECT FROM journal.events WHERE position = $1';
/** A transaction as it was made`,
    oneLedger,
  ),
  withError(
    'more than one row returned',
    plant(
      "an owner reads the entries of others' accounts",
      source('accounts/list-entries'),
      `...(ownerId === null ? [] : [isOwnSql(id, values.add(ownerId))]),`,
      `...(ownerId === null ? [] : [isOwnSql(id, values.add(ownerId)).replace('AND a.owner_id =', 'OR a.owner_id =')]),`,
      testsOf(integration('list-accounts'), 'owner alone, to whoever'),
    ),
  ),
  plant(
    "an owner is told who else's private account was paid",
    'libs/contracts/src/visibility.ts',
    `return party.ownerId !== reader.ownerId && party.visibility === 'private';`,
    `return party.ownerId !== reader.ownerId && party.visibility === 'unlisted';`,
    'libs/contracts/src/webhook-body.spec.ts',
  ),
  plant(
    "the answer to an owner's batch tells the balances of others",
    'libs/contracts/src/transaction-text.ts',
    `reader.ownerId !== null || progress`,
    `progress`,
    'libs/contracts/src/transaction-text.spec.ts',
  ),
  plant(
    "an owner asks for the money on others' public accounts",
    'libs/contracts/src/visibility.ts',
    `(sought === 'account' && account.visibility !== 'private')`,
    `account.visibility !== 'private'`,
    testsOf(endToEnd('owners'), 'as the table says'),
  ),
  plant(
    'an owner reads the exact text of an event',
    source('http/present'),
    `dataText: isWhole ? dataText : null,`,
    `dataText,`,
    source('http/present.spec'),
  ),
];

export const plantedInLists = [...projecting, ...walls];
