import { InvalidCursor, PageTooDeep } from '#platform';
import { ApiError, unavailableError } from './api-error.js';

/**
 * Connection and resource errors of Postgres and of the socket to it, and a lock that was not free in time: they
 * pass, the request may be sent again.
 */
const passingErrors = /^(08|53|57|58)[0-9A-Z]{3}$|^55P03$|^(ECONN|EPIPE|ENOTFOUND|ETIMEDOUT)/;

/** What an error that any app can have is on the wire; null for one that it doesn't know. */
export function conventionError(error: unknown): ApiError | null {
  if (error instanceof InvalidCursor) return new ApiError(400, 'invalid_cursor', error.message);
  if (error instanceof PageTooDeep) return new ApiError(400, 'page_too_deep', error.message);
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  const isPassing =
    (typeof code === 'string' && passingErrors.test(code)) ||
    (typeof message === 'string' &&
      /timeout exceeded when trying to connect|Connection terminated/.test(message));
  return isPassing ? unavailableError('unavailable', 'the database is not available') : null;
}
