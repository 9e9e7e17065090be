const statuses = {
  validation_error: 400,
  invalid_cursor: 400,
  page_too_deep: 400,
  unauthorized: 401,
  forbidden: 403,
  account_not_found: 404,
  transaction_not_found: 404,
  not_found: 404,
  method_not_allowed: 405,
  not_acceptable: 406,
  external_id_taken: 409,
  account_not_empty: 409,
  account_closed: 409,
  account_frozen: 409,
  transaction_not_pending: 409,
  already_reversed: 409,
  not_reversible: 409,
  currency_exists: 409,
  version_conflict: 409,
  precondition_failed: 412,
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
} as const;

export type Code = keyof typeof statuses;

/** Thrown where a rule says no; whatever was written before is taken back. */
export class Refused extends Error {
  readonly status: number;

  constructor(readonly code: Code) {
    super(code);
    this.status = statuses[code];
  }
}

export function refuse(code: Code): never {
  throw new Refused(code);
}

export function refuseIf(isSo: boolean, code: Code): void {
  if (isSo) refuse(code);
}
