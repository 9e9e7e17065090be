/** The pool that requests read with; writes and projections have connections of their own. */
export const READ_POOL = Symbol('READ_POOL');
