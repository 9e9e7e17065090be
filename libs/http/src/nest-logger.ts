import type { LoggerService } from '@nestjs/common';
import type { Log } from '#platform';

/** Nest's own messages, in the same log. */
export function nestLogger({ logger }: Log): LoggerService {
  const text = (message: unknown) => (typeof message === 'string' ? message : JSON.stringify(message));
  const context = (optional: unknown[]) => ({ context: optional.at(-1) });
  return {
    log: (message: unknown, ...optional: unknown[]) => logger.debug(context(optional), text(message)),
    warn: (message: unknown, ...optional: unknown[]) => logger.warn(context(optional), text(message)),
    error: (message: unknown, ...optional: unknown[]) => logger.error({ details: optional }, text(message)),
  };
}
