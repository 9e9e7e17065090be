import 'reflect-metadata';
import { CannotStart, reportFailure } from '../start/cannot-start.js';
import { accessCommands } from './access.js';
import type { Commands } from './commands.js';
import { deadLetterCommands } from './dead-letters.js';

const commands: Commands = { ...accessCommands, ...deadLetterCommands };

const usage = `Usage: npm run cli -- <command>

${Object.entries(commands)
  .map(([name, command]) => `  ${name} ${command.usage}`.trimEnd())
  .join('\n')}

Organizations, ledgers and keys need LEDGER_DATABASE_URL and SECRETS_KEY, as the ledger app has them; what is made
or listed is printed as JSON, and a secret is shown this once. Scopes: as in the API, or all. Dead letters need
DISPATCHER_DATABASE_URL.`;

async function main(args: readonly string[]): Promise<void> {
  if (args.includes('--help') || args.includes('-h')) return console.log(usage);
  const name = args.slice(0, 2).join(' ');
  const command = commands[name];
  if (!command) throw new CannotStart(usage);
  await command.run(args.slice(2));
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  reportFailure(error);
  process.exitCode = 1;
}
