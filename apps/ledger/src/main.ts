import 'reflect-metadata';
import { createLog, InvalidSettings } from '#platform';
import { UnfitDatabase } from './boot-checks.js';
import { readSettings } from './config.js';
import { startLedger } from './ledger-app.js';

async function main(): Promise<void> {
  const settings = readSettings();
  const log = createLog('ledger', settings.LOG_LEVEL);
  const ledger = await startLedger(settings, log);
  let isStopping = false;
  const shutDown = (reason: string) => {
    if (isStopping) return;
    isStopping = true;
    log.logger.info({ reason }, 'shutting down');
    const limit = setTimeout(() => exit(1, 'the shutdown took too long'), settings.SHUTDOWN_MS + 1_000);
    void ledger.stop().then(
      () => exit(0, 'stopped'),
      (err: unknown) => {
        log.logger.error({ err }, 'the shutdown failed');
        exit(1, 'stopped');
      },
    );
    limit.unref();
  };
  const exit = (code: number, message: string) => {
    log.logger.info(message);
    log.flush();
    process.exit(code);
  };
  process.once('SIGTERM', () => shutDown('SIGTERM'));
  process.once('SIGINT', () => shutDown('SIGINT'));
  // A supervisor that was killed can't tell its children; its channel to them closes.
  process.once('disconnect', () => shutDown('the supervisor is gone'));
}

main().catch((error: unknown) => {
  const isExpected = error instanceof InvalidSettings || error instanceof UnfitDatabase;
  process.stderr.write(
    `ledger can't start: ${isExpected ? error.message : String((error as Error).stack)}\n`,
  );
  process.exit(1);
});
