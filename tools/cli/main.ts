import { parseArgs } from 'node:util';
import { ledgerIdOf } from '#contracts';
import { createPostgresPool } from '#platform';
import {
  discardDeadLetter,
  retryDeadLetter,
  type DeadLetterOutcome,
} from '../../apps/webhook-dispatcher/src/intake/dead-letters.js';
import { listDeadLetters } from '../../apps/webhook-dispatcher/src/intake/scan-dead-letters.js';
import { CannotStart, reportFailure } from '../start/cannot-start.js';
import { readCliSettings } from './config.js';

const usage = `Usage: npm run cli -- dead-letter list
       npm run cli -- dead-letter retry <id>     takes it in after all; those behind it follow
       npm run cli -- dead-letter discard <id>   gives it up for ever; those behind it follow`;

type Pool = ReturnType<typeof createPostgresPool>;

/** What an operator decides about messages that were kept aside. */
async function main(): Promise<void> {
  const [subject, action, id, ...rest] = parseArgs({ allowPositionals: true, options: {} }).positionals;
  if (subject !== 'dead-letter' || rest.length > 0) throw new CannotStart(usage);
  const isList = action === 'list' && id === undefined;
  const decide = action === 'retry' ? retryDeadLetter : action === 'discard' ? discardDeadLetter : undefined;
  const isDecision = decide !== undefined && id !== undefined && /^[0-9]{1,18}$/.test(id);
  if (!isList && !isDecision) throw new CannotStart(usage);
  const pool = createPostgresPool({
    url: readCliSettings().dispatcherUrl,
    applicationName: 'ledger-cli',
    connectionsMax: 1,
    onError: (error) => console.error(error.message),
  });
  try {
    if (isDecision) report(id, await decide(pool, id));
    else await list(pool);
  } finally {
    await pool.end();
  }
}

async function list(pool: Pool): Promise<void> {
  const letters = await listDeadLetters(pool);
  if (letters.length === 0) console.log('There are no dead letters.');
  for (const { id, ledgerId, origin, reason, createdAt } of letters) {
    const ledger = ledgerId === null ? 'no ledger' : ledgerIdOf(ledgerId);
    console.log(`${id}  ${createdAt.toISOString()}  ${ledger}  ${origin}: ${reason}`);
  }
}

function report(id: string, outcome: DeadLetterOutcome): void {
  switch (outcome.result) {
    case 'refused':
      throw new CannotStart(`Nothing was changed: ${outcome.reason}.`);
    case 'resumed':
      console.log(`Dead letter ${id}: ${outcome.messages} messages were dealt with, and its ledger goes on.`);
      return;
    case 'parked':
      console.log(
        `Dead letter ${id}: ${outcome.messages} messages were dealt with, then: ${outcome.reason}.`,
      );
      process.exitCode = 1;
  }
}

try {
  await main();
} catch (error) {
  reportFailure(error);
  process.exitCode = 1;
}
