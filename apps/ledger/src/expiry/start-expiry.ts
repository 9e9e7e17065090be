import type { Registry } from 'prom-client';
import type { Journal } from '#journal';
import { createPostgresPool, type Logger } from '#platform';
import type { LedgerSettings } from '../config.js';
import { expiryMetrics } from './expiry-metrics.js';
import { ExpiryWorker } from './expiry-worker.js';

export interface RunningExpiry {
  /** Submits nothing more from the call on; to be called before the journal is drained. */
  stop(): Promise<void>;
}

/**
 * A scan reads an index in its order, whatever the planner believes of a young table, and has a connection of its
 * own: lists that take long don't hold it up.
 */
export const expirySession: Readonly<Record<string, string>> = {
  enable_seqscan: 'off',
  enable_bitmapscan: 'off',
  enable_sort: 'off',
  enable_incremental_sort: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
  jit: 'off',
  statement_timeout: '5s',
};

/** Where the role is to release holds: in each process but those that serve the API alone. */
export function startExpiry(
  settings: LedgerSettings,
  journal: Journal,
  registry: Registry,
  logger: Logger,
): RunningExpiry {
  if (settings.LEDGER_ROLE === 'api') return { stop: () => Promise.resolve() };
  const pool = createPostgresPool({
    url: settings.LEDGER_DATABASE_URL,
    applicationName: 'ledger-expiry',
    connectionsMax: 1,
    session: expirySession,
    onError: (err) => logger.warn({ err }, 'the idle connection of expiry was lost'),
  });
  const worker = new ExpiryWorker({ pool, journal, metrics: expiryMetrics(registry), logger });
  worker.start();
  return {
    async stop() {
      await worker.stop();
      await pool.end();
    },
  };
}
