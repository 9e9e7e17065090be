import type { Account } from './accounts.js';

/** Why a command changes nothing. The codes are part of the wire contract. */
export type RefusalCode =
  | 'validation_error'
  | 'forbidden'
  | 'payload_too_large'
  | 'idempotency_key_reused'
  | 'batch_refused'
  | 'same_account'
  | 'account_not_found'
  | 'transaction_not_found'
  | 'precondition_failed'
  | 'account_closed'
  | 'account_frozen'
  | 'transaction_not_pending'
  | 'not_reversible'
  | 'already_reversed'
  | 'external_id_taken'
  | 'account_not_empty'
  | 'currency_exists'
  | 'unknown_currency'
  | 'currency_mismatch'
  | 'exchange_rate_missing'
  | 'amount_too_small'
  | 'period_closed'
  | 'version_conflict'
  | 'amount_exceeds_remaining'
  | 'insufficient_funds'
  | 'balance_limit_exceeded';

export interface Refusal {
  readonly code: RefusalCode;
  readonly message: string;
  /** The request's field that it is about, where there is one. */
  readonly path: string | null;
}

/** A command's fate: the events that it makes, or the one reason why it makes none. */
export type Decision<Event> =
  | {
      readonly accepted: true;
      readonly events: readonly Event[];
      /** The account that was to be changed, where it is so already. */
      readonly unchanged?: Account;
    }
  | { readonly accepted: false; readonly refusal: Refusal };

export type Refused = Extract<Decision<never>, { readonly accepted: false }>;

export function refuse(code: RefusalCode, message: string, path: string | null = null): Refused {
  return { accepted: false, refusal: { code, message, path } };
}

export function accept<Event>(events: readonly Event[]) {
  return { accepted: true, events } as const;
}
