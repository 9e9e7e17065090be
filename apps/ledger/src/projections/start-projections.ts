import type pg from 'pg';
import type { Registry } from 'prom-client';
import { createPostgresPool } from '#platform';
import type { LedgerSettings } from '../config.js';
import { CommitListener } from './commit-listener.js';
import { CommitNotifier } from './commit-notifier.js';
import { listsProjection } from './lists-projection.js';
import { projectionMetrics } from './projection-metrics.js';
import { ProjectionRunner } from './projection-runner.js';
import { ProjectionWaiter } from './projection-waiter.js';
import type { ProjectionLogger } from './projection.js';
import { workerSession } from './sessions.js';

export interface RunningProjections {
  readonly waiter: ProjectionWaiter;
  /** A ledger has new events. */
  poke(ledgerId: string): void;
  /** Finishes the turns that are running. */
  stop(): Promise<void>;
}

const stopMsMax = 5_000;

/** Everything that this process's role needs: turns, or a word to those that take them. */
export async function startProjections(
  settings: LedgerSettings,
  readPool: pg.Pool,
  registry: Registry,
  logger: ProjectionLogger,
): Promise<RunningProjections> {
  const url = settings.LEDGER_DATABASE_URL;
  const waiterSettings = { waitMsMax: settings.PROJECTION_WAIT_MS };
  if (settings.LEDGER_ROLE === 'api') {
    const notifier = new CommitNotifier(url, logger);
    await notifier.start();
    const notify = (ledgerId: string) => notifier.notify(ledgerId);
    return {
      waiter: new ProjectionWaiter(readPool, undefined, waiterSettings),
      poke: notify,
      stop: () => notifier.stop(),
    };
  }
  const pool = createPostgresPool({
    url,
    applicationName: 'ledger-worker',
    connectionsMax: settings.WORKER_CONNECTIONS_MAX,
    session: workerSession,
    onError: (err) => logger.warn({ err }, 'an idle worker connection was lost'),
  });
  const metrics = projectionMetrics(registry);
  const runner = new ProjectionRunner({ pool, projections: [listsProjection], metrics, logger });
  const poke = (ledgerId: string) => runner.poke(ledgerId);
  const listener = new CommitListener(url, logger, poke);
  await listener.start();
  runner.start();
  const onBehind = (ledgerId: string) => runner.poke(ledgerId, { isUrgent: true });
  return {
    waiter: new ProjectionWaiter(readPool, onBehind, waiterSettings),
    poke,
    async stop() {
      await listener.stop();
      await runner.stop(stopMsMax);
      await pool.end();
    },
  };
}
