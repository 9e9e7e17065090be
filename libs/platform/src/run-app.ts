import { InvalidSettings } from './environment.js';
import { createLog, type Log, type LogLevel } from './logging.js';
import { UnfitDatabase } from './postgres-facts.js';

export interface RunningApp {
  /** Ends everything in order, within the app's own limits. */
  stop(): Promise<void>;
}

export interface AppSettings {
  readonly LOG_LEVEL: LogLevel;
  readonly SHUTDOWN_MS: number;
}

/** Beyond the limit that the app itself keeps when it stops. */
const shutdownGraceMs = 1_000;

/**
 * An app as a process: started with its settings, stopped in order by a signal or by the end of its supervisor,
 * and ended when that takes too long. What it can be expected to fail by at the start is one sentence.
 */
export async function runApp<Settings extends AppSettings>(
  name: string,
  readSettings: () => Settings,
  start: (settings: Settings, log: Log) => Promise<RunningApp>,
): Promise<void> {
  try {
    const settings = readSettings();
    const log = createLog(name, settings.LOG_LEVEL);
    stopWhenTold(await start(settings, log), log, settings.SHUTDOWN_MS + shutdownGraceMs);
  } catch (error) {
    const isExpected = error instanceof InvalidSettings || error instanceof UnfitDatabase;
    process.stderr.write(
      `${name} can't start: ${isExpected ? error.message : String((error as Error).stack)}\n`,
    );
    process.exit(1);
  }
}

function stopWhenTold(app: RunningApp, log: Log, limitMs: number): void {
  let isStopping = false;
  const shutDown = (reason: string) => {
    if (isStopping) return;
    isStopping = true;
    log.logger.info({ reason }, 'shutting down');
    const limit = setTimeout(() => exit(1, 'the shutdown took too long'), limitMs);
    void app.stop().then(
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
    void log.end().finally(() => process.exit(code));
  };
  process.once('SIGTERM', () => shutDown('SIGTERM'));
  process.once('SIGINT', () => shutDown('SIGINT'));
  // A supervisor that was killed can't tell its children; its channel to them closes.
  process.once('disconnect', () => shutDown('the supervisor is gone'));
}
