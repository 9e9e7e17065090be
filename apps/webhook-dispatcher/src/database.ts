/** The pool that requests use; intake and deliveries have connections of their own. */
export const API_POOL = Symbol('API_POOL');
