import type { RefusalCode } from '#domain';
import { JournalUnavailable, type UnavailableCode } from '#journal';
import { ApiError, InvalidCursor, PageTooDeep, unavailableError, validationError } from '#platform';
import { ProjectionLagging } from '../projections/projection-waiter.js';
import { accountNotFound, transactionNotFound } from './ids.js';
import { refusalError, translateError } from './refusals.js';

/**
 * Every error that this release answers with, by its code, as an example of itself. Each is made by the
 * function that makes it in earnest, so that the document can't show another status than the API.
 */
const refusals = {
  account_not_found: accountNotFound(),
  external_id_taken: refusal('external_id_taken', 'another account has this externalId', 'externalId'),
  account_not_empty: refusal(
    'account_not_empty',
    'only an account with a zero balance and nothing pending can be closed',
  ),
  account_closed: refusal('account_closed', 'the recipient is closed', 'recipient'),
  account_frozen: refusal('account_frozen', 'the sender is frozen', 'sender'),
  precondition_failed: refusal('precondition_failed', 'the account has changed since it was read'),
  same_account: refusal('same_account', 'sender and recipient are the same account', 'recipient'),
  unknown_currency: refusal('unknown_currency', 'XYZ is not a currency of this ledger', 'currency'),
  exchange_rate_missing: refusal(
    'exchange_rate_missing',
    'there is no exchange rate from EUR to USD',
    'recipient',
  ),
  insufficient_funds: refusal(
    'insufficient_funds',
    'the available balance does not cover the amount',
    'amount',
  ),
  balance_limit_exceeded: refusal(
    'balance_limit_exceeded',
    'the balance would pass the maximum of the account',
    'amount',
  ),
  idempotency_key_reused: refusal(
    'idempotency_key_reused',
    'another request was made with this Idempotency-Key',
  ),
} satisfies Record<RefusalCode, ApiError>;

const outages = {
  overloaded: translated(new JournalUnavailable('overloaded', 'too many requests are waiting')),
  outcome_unknown: translated(
    new JournalUnavailable('outcome_unknown', 'retry with the same Idempotency-Key'),
  ),
  unavailable: unavailableError('unavailable', 'the database is not available'),
  projection_lagging: translated(new ProjectionLagging('lists')),
} satisfies Record<UnavailableCode | 'projection_lagging', ApiError>;

export const documentedErrors = {
  validation_error: validationError([{ path: 'amonut', message: 'is not known here' }]),
  invalid_cursor: translated(new InvalidCursor()),
  page_too_deep: translated(new PageTooDeep()),
  unauthorized: new ApiError(401, 'unauthorized', 'a valid API key is needed as Bearer'),
  forbidden: new ApiError(403, 'forbidden', 'this key may not do that'),
  not_found: new ApiError(404, 'not_found', 'there is no such route'),
  transaction_not_found: transactionNotFound(),
  method_not_allowed: new ApiError(405, 'method_not_allowed', 'allowed here: GET, HEAD'),
  not_acceptable: new ApiError(406, 'not_acceptable', 'answers are application/json'),
  payload_too_large: new ApiError(413, 'payload_too_large', 'the body is too large'),
  unsupported_media_type: new ApiError(415, 'unsupported_media_type', 'the body must be application/json'),
  internal: new ApiError(500, 'internal', 'something went wrong; the log has it under the request id'),
  ...refusals,
  ...outages,
} satisfies Record<string, ApiError>;

export type ErrorCode = keyof typeof documentedErrors;
export const errorCodes = Object.keys(documentedErrors) as ErrorCode[];

/** What is wrong with a status, in the words of HTTP. */
export const errorStatusNames: Readonly<Record<number, string>> = {
  400: 'The request is not valid',
  401: 'No valid API key was sent',
  403: 'The key may not do that',
  404: 'There is no such thing, or the caller may not see it',
  405: 'The path has no such method',
  406: 'The caller accepts no JSON',
  409: 'The state of the ledger does not allow it',
  412: 'The account has changed since it was read',
  413: 'The body is too large',
  415: 'The body is not JSON',
  422: 'The request is understood and refused',
  500: 'A bug; the log has it under the request id',
  503: 'It passes: try again after the seconds that Retry-After gives',
};

export function errorExample(code: ErrorCode) {
  const { message, details } = documentedErrors[code];
  const requestId = '3f0a5f86-6d0b-4b52-8f3e-0f6b7e7f9d1c';
  return { error: { code, message, ...(details.length > 0 ? { details } : {}), requestId } };
}

function refusal(code: RefusalCode, message: string, path: string | null = null): ApiError {
  return refusalError({ code, message, path });
}

function translated(error: Error): ApiError {
  const known = translateError(error);
  if (!known) throw new Error(`${error.message}: it would be answered as a bug`);
  return known;
}
