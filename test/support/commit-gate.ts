import { queryRows, withClient, writeSessions } from './journal-fixtures.js';

const gate = 4_711;

/**
 * From now on commits of events wait for whoever holds the gate, after everything of them has been written; the
 * session's own lock_timeout would end the wait, as it never ends a slow disk's.
 * @param when an SQL condition on the event, NEW; absent: all of them
 */
export async function makeCommitsWait(ownerUrl: string, when = 'true'): Promise<void> {
  await queryRows(
    ownerUrl,
    `CREATE FUNCTION journal.wait_at_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        PERFORM set_config('lock_timeout', '0', true), pg_advisory_xact_lock_shared(${gate});
        RETURN NULL;
      END $$`,
  );
  await queryRows(
    ownerUrl,
    `CREATE CONSTRAINT TRIGGER wait_at_commit AFTER INSERT ON journal.events DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW WHEN (${when}) EXECUTE FUNCTION journal.wait_at_commit()`,
  );
}

/** Holds the gate during the work, or until the work opens it. */
export function whileCommitsWait<T>(
  superuserUrl: string,
  work: (openGate: () => Promise<void>) => Promise<T>,
): Promise<T> {
  return withClient(superuserUrl, async (client) => {
    await client.query('SELECT pg_advisory_lock($1)', [gate]);
    return work(async () => {
      await client.query('SELECT pg_advisory_unlock_all()');
    });
  });
}

/** The server processes that wait for it. */
export async function committingPids(superuserUrl: string): Promise<number[]> {
  const sessions = await writeSessions(superuserUrl);
  return sessions.filter(({ wait_event }) => wait_event === 'advisory').map(({ pid }) => pid);
}
