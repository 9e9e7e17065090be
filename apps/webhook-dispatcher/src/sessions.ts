import { readSession } from '#platform';

/** Server settings of the sessions that requests run in: they read lists, and write in short transactions. */
export const apiSession: Readonly<Record<string, string>> = {
  ...readSession,
  lock_timeout: '4s',
  idle_in_transaction_session_timeout: '5s',
};
