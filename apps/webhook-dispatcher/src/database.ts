/** The pool that requests use; what is taken in and delivered has connections of its own. */
export const API_POOL = Symbol('API_POOL');
/** The port by which a ledger is followed from its first endpoint on. */
export const EVENT_STREAM = Symbol('EVENT_STREAM');
