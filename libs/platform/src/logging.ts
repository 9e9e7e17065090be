import { pino, type Logger as PinoLogger } from 'pino';

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** The part of pino's logger that is used by what is neither the log's maker nor its owner. */
export interface Logger {
  debug(details: object, message: string): void;
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

export interface Log {
  readonly logger: PinoLogger;
  /**
   * Writes out what is still in memory; to be called last. Where nobody reads any more, or too slowly, it is given up:
   * pino's own flush would try for ever, and hold up the end of the process.
   */
  end(): Promise<void>;
}

const bufferBytes = 15_360;
const flushEveryMs = 500;
const endMsMax = 1_000;

/** Lines of JSON on standard output, gathered into larger writes so that a request doesn't wait for them. */
export function createLog(app: string, level: LogLevel): Log {
  const destination = pino.destination({
    dest: 1,
    sync: false,
    minLength: bufferBytes,
    periodicFlush: flushEveryMs,
  });
  const logger = pino(
    {
      level,
      base: { app, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: ['req.headers', 'headers', 'authorization', 'err.config', 'err.parameters'],
    },
    destination,
  );
  return { logger, end: () => endOf(destination) };
}

function endOf(destination: ReturnType<typeof pino.destination>): Promise<void> {
  return new Promise((resolve) => {
    const limit = setTimeout(() => {
      // Else it would try once more, and for ever, when the process exits.
      destination.destroy();
      resolve();
    }, endMsMax);
    const ended = () => {
      clearTimeout(limit);
      resolve();
    };
    destination.once('close', ended);
    destination.once('error', ended);
    destination.end();
  });
}
