import type { Refusal, RefusalCode } from '#domain';
import { JournalUnavailable } from '#journal';
import { ApiError, conventionError, unavailableError } from '#platform';
import { ProjectionLagging } from '../projections/projection-waiter.js';

/** The status of each refusal: the only table of its kind. */
const statusByCode: Readonly<Record<RefusalCode, number>> = {
  account_not_found: 404,
  external_id_taken: 409,
  account_not_empty: 409,
  account_closed: 409,
  account_frozen: 409,
  precondition_failed: 412,
  insufficient_funds: 422,
  balance_limit_exceeded: 422,
  same_account: 422,
  unknown_currency: 422,
  exchange_rate_missing: 422,
  idempotency_key_reused: 422,
};

export function refusalError({ code, message, path }: Refusal): ApiError {
  return new ApiError(statusByCode[code], code, message, path === null ? [] : [{ path, message }]);
}

/** What the app's own errors are on the wire; null for one that is a bug. */
export function translateError(error: unknown): ApiError | null {
  if (error instanceof JournalUnavailable) return unavailableError(error.code, error.message);
  if (error instanceof ProjectionLagging) return unavailableError('projection_lagging', error.message);
  return conventionError(error);
}
