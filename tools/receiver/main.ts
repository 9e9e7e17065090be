import { once } from 'node:events';
import { CannotStart, messageOf, reportFailure } from '../start/cannot-start.js';
import { readReceiverSettings } from './config.js';
import { KnownSecrets } from './known-secrets.js';
import { createReceiver } from './receiver.js';

/** `npm run receiver`: prints the webhooks that it gets and verifies them. Only this machine reaches it. */
async function main(): Promise<void> {
  const settings = readReceiverSettings();
  const receiver = createReceiver(new KnownSecrets(settings.secrets, settings.secretsFile), console.log);
  try {
    await once(receiver.listen(settings.port, '127.0.0.1'), 'listening');
  } catch (error) {
    throw new CannotStart(`RECEIVER_PORT ${settings.port} can't be listened on (${messageOf(error)}).`);
  }
  const url = `http://127.0.0.1:${settings.port}/`;
  console.log(`The receiver takes webhooks at ${url} and endpoints' secrets at ${url}secrets.`);
  const end = (): void => process.exit(0);
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, end);
  process.once('disconnect', end);
  process.stdout.on('error', () => undefined);
}

main().catch((error: unknown) => {
  reportFailure(error);
  process.exit(1);
});
