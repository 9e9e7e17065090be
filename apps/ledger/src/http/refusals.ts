import type { Refusal, RefusalCode } from '#domain';
import { ApiError, conventionError, unavailableError } from '#http';
import { JournalUnavailable, type BatchOutcome } from '#journal';
import { ProjectionLagging } from '../projections/projection-waiter.js';

/** The status of each refusal: the only table of its kind. */
const statusByCode: Readonly<Record<RefusalCode, number>> = {
  validation_error: 400,
  forbidden: 403,
  account_not_found: 404,
  transaction_not_found: 404,
  external_id_taken: 409,
  account_not_empty: 409,
  account_closed: 409,
  account_frozen: 409,
  transaction_not_pending: 409,
  not_reversible: 409,
  already_reversed: 409,
  currency_exists: 409,
  version_conflict: 409,
  precondition_failed: 412,
  payload_too_large: 413,
  insufficient_funds: 422,
  balance_limit_exceeded: 422,
  same_account: 422,
  currency_mismatch: 422,
  unknown_currency: 422,
  exchange_rate_missing: 422,
  amount_too_small: 422,
  amount_exceeds_remaining: 422,
  period_closed: 422,
  batch_refused: 422,
  idempotency_key_reused: 422,
};

export function refusalError(refusal: Refusal): ApiError {
  const { status, code, message, details } = refusalAnswer(refusal);
  return new ApiError(status, code, message, details);
}

/** The same without an Error, whose stack costs more than all else that is answered of a batch's item. */
export function refusalAnswer({ code, message, path }: Refusal) {
  return { status: statusByCode[code], code, message, details: path === null ? [] : [{ path, message }] };
}

type RefusedBatch = Extract<BatchOutcome, { readonly accepted: false }>;

/** One refused item refuses all of an atomic batch: which, and why. */
export function batchRefusalError({ refusal, index, reason }: Omit<RefusedBatch, 'accepted'>): ApiError {
  if (index === null || reason === null) return refusalError(refusal);
  const details = [{ path: `transactions[${index}]`, message: `${reason.code}: ${reason.message}` }];
  return new ApiError(statusByCode[refusal.code], refusal.code, refusal.message, details);
}

/** What the app's own errors are on the wire; null for one that is a bug. */
export function translateError(error: unknown): ApiError | null {
  if (error instanceof JournalUnavailable) return unavailableError(error.code, error.message);
  if (error instanceof ProjectionLagging) return unavailableError('projection_lagging', error.message);
  return conventionError(error);
}
