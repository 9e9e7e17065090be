/** The pool that requests use; intake and deliveries have connections of their own. */
export const API_POOL = Symbol('API_POOL');
/** The port by which a ledger is followed from its first endpoint on. */
export const EVENT_STREAM = Symbol('EVENT_STREAM');
/** Under this name the dispatchers share the event stream between them. */
export const subscriberName = 'webhooks';
