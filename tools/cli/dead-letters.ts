import { ledgerIdOf } from '#contracts';
import { createPostgresPool } from '#platform';
import {
  discardDeadLetter,
  retryDeadLetter,
  type DeadLetterOutcome,
} from '../../apps/webhook-dispatcher/src/intake/dead-letters.js';
import { listDeadLetters } from '../../apps/webhook-dispatcher/src/intake/scan-dead-letters.js';
import { CannotStart } from '../start/cannot-start.js';
import { readDispatcherUrl } from './config.js';
import { argumentsOf, type Commands } from './commands.js';

type Pool = ReturnType<typeof createPostgresPool>;

/** What an operator decides about messages that were kept aside. */
export const deadLetterCommands: Commands = {
  'dead-letter list': {
    usage: '',
    run: async (args) => {
      argumentsOf(args, []);
      await withPool(list);
    },
  },
  'dead-letter retry': {
    usage: '<id>     takes it in after all; those behind it follow',
    run: (args) => decide(args, retryDeadLetter),
  },
  'dead-letter discard': {
    usage: '<id>   gives it up for ever; those behind it follow',
    run: (args) => decide(args, discardDeadLetter),
  },
};

async function decide(
  args: readonly string[],
  decision: (pool: Pool, id: string) => Promise<DeadLetterOutcome>,
): Promise<void> {
  const [id] = argumentsOf(args, ['id']);
  if (!/^[0-9]{1,18}$/.test(id)) throw new CannotStart(`${id} is not the number of a dead letter.`);
  await withPool(async (pool) => report(id, await decision(pool, id)));
}

async function withPool(work: (pool: Pool) => Promise<void>): Promise<void> {
  const pool = createPostgresPool({
    url: readDispatcherUrl(),
    applicationName: 'ledger-cli',
    connectionsMax: 1,
    onError: (error) => console.error(error.message),
  });
  try {
    await work(pool);
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
