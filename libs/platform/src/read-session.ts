/**
 * Server settings of the sessions that lists are read in: a plan is chosen by the filters' values, which a plan
 * made once for all of them can't be, and none reads a table as a whole, which other ledgers are in as well.
 */
export const readSession: Readonly<Record<string, string>> = {
  plan_cache_mode: 'force_custom_plan',
  jit: 'off',
  enable_seqscan: 'off',
  random_page_cost: '1.1',
  max_parallel_workers_per_gather: '0',
  statement_timeout: '10s',
};
