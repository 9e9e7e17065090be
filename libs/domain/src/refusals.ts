/** Why a command changes nothing. The codes are part of the wire contract. */
export type RefusalCode =
  | 'idempotency_key_reused'
  | 'same_account'
  | 'account_not_found'
  | 'precondition_failed'
  | 'account_closed'
  | 'account_frozen'
  | 'external_id_taken'
  | 'account_not_empty'
  | 'unknown_currency'
  | 'exchange_rate_missing'
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
  | { readonly accepted: true; readonly events: readonly Event[] }
  | { readonly accepted: false; readonly refusal: Refusal };

export function refuse(code: RefusalCode, message: string, path: string | null = null) {
  return { accepted: false, refusal: { code, message, path } } as const;
}

export function accept<Event>(events: readonly Event[]) {
  return { accepted: true, events } as const;
}
