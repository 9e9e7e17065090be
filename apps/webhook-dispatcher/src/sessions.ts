/**
 * Server settings of the sessions that requests run in: a plan is chosen by the filters' values, and none reads a
 * table as a whole, which other ledgers are in as well.
 */
export const apiSession: Readonly<Record<string, string>> = {
  plan_cache_mode: 'force_custom_plan',
  jit: 'off',
  enable_seqscan: 'off',
  random_page_cost: '1.1',
  max_parallel_workers_per_gather: '0',
  statement_timeout: '10s',
  lock_timeout: '4s',
  idle_in_transaction_session_timeout: '5s',
};
