/**
 * Server settings of the sessions that turns run in. Their commits need not be on disk: what a crash of Postgres
 * takes back is rows and checkpoint together, and they are made again. Tables grow faster than their
 * statistics, so the plans that only pay for small tables are ruled out, and the others made once.
 */
export const workerSession: Readonly<Record<string, string>> = {
  synchronous_commit: 'off',
  jit: 'off',
  enable_seqscan: 'off',
  enable_nestloop: 'off',
  plan_cache_mode: 'force_generic_plan',
  work_mem: '32MB',
  idle_in_transaction_session_timeout: '10s',
  lock_timeout: '5s',
  statement_timeout: '30s',
};
