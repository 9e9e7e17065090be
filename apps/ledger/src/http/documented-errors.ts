import type { RefusalCode } from '#domain';
import { ApiError } from '#http';
import { JournalUnavailable, type UnavailableCode } from '#journal';
import { conventionErrors, requestErrors, unavailable } from '#openapi';
import { ProjectionLagging } from '../projections/projection-waiter.js';
import { accountNotFound, transactionNotFound } from './ids.js';
import { batchRefusalError, refusalError, translateError } from './refusals.js';

/** Codes that the conventions have as well. */
type SharedCode = 'validation_error' | 'forbidden' | 'payload_too_large';

/** The ledger's own errors, by code, as examples of themselves, made by what makes them in earnest. */
const refusals = {
  account_not_found: accountNotFound(),
  transaction_not_found: transactionNotFound(),
  external_id_taken: refusal('external_id_taken', 'another account has this externalId', 'externalId'),
  account_not_empty: refusal(
    'account_not_empty',
    'only an account with a zero balance and nothing pending can be closed',
  ),
  account_closed: refusal('account_closed', 'the recipient is closed', 'recipient'),
  account_frozen: refusal('account_frozen', 'the sender is frozen', 'sender'),
  transaction_not_pending: refusal('transaction_not_pending', 'the hold is voided'),
  not_reversible: refusal('not_reversible', "a reversal can't be reversed"),
  already_reversed: refusal('already_reversed', 'nothing is left to reverse'),
  currency_exists: refusal('currency_exists', 'the ledger has a currency MILES', 'code'),
  version_conflict: refusal(
    'version_conflict',
    'the account is not as the condition says',
    'conditions[0].version',
  ),
  precondition_failed: refusal('precondition_failed', 'the account has changed since it was read'),
  same_account: refusal('same_account', 'sender and recipient are the same account', 'recipient'),
  currency_mismatch: refusal('currency_mismatch', 'both sides are in EUR', 'exchangeRate'),
  unknown_currency: refusal('unknown_currency', 'XYZ is not a currency of this ledger', 'currency'),
  exchange_rate_missing: refusal(
    'exchange_rate_missing',
    'there is no exchange rate from EUR to USD',
    'recipient',
  ),
  amount_too_small: refusal('amount_too_small', 'it comes to nothing in JPY', 'amount'),
  period_closed: refusal('period_closed', 'the period is closed', 'effectiveAt'),
  amount_exceeds_remaining: refusal('amount_exceeds_remaining', 'less than that is still held', 'amount'),
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
  batch_refused: batchRefusalError({
    refusal: {
      code: 'batch_refused',
      message: 'the transaction with index 3 was refused, and with it the whole batch',
      path: null,
    },
    index: 3,
    reason: {
      code: 'insufficient_funds',
      message: 'the available balance does not cover the amount',
      path: 'amount',
    },
  }),
  idempotency_key_reused: refusal(
    'idempotency_key_reused',
    'another request was made with this Idempotency-Key',
  ),
} satisfies Record<Exclude<RefusalCode, SharedCode>, ApiError>;

const outages = {
  overloaded: translated(new JournalUnavailable('overloaded', 'too many requests are waiting')),
  outcome_unknown: translated(
    new JournalUnavailable('outcome_unknown', 'retry with the same Idempotency-Key'),
  ),
  unavailable,
  projection_lagging: translated(new ProjectionLagging('lists')),
} satisfies Record<UnavailableCode | 'projection_lagging', ApiError>;

/** Every error that this release answers with. */
export const documentedErrors = {
  ...requestErrors,
  ...conventionErrors,
  ...refusals,
  ...outages,
} satisfies Record<string, ApiError>;

/** What the statuses of its own errors mean here. */
export const statusNames: Readonly<Record<number, string>> = {
  409: 'The state of the ledger does not allow it, or a signed request came twice',
  412: 'The account has changed since it was read',
};

function refusal(code: RefusalCode, message: string, path: string | null = null): ApiError {
  return refusalError({ code, message, path });
}

function translated(error: Error): ApiError {
  const known = translateError(error);
  if (!known) throw new Error(`${error.message}: it would be answered as a bug`);
  return known;
}
