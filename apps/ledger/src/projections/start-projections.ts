import type pg from 'pg';
import type { Registry } from 'prom-client';
import { createPostgresPool, type Logger } from '#platform';
import type { LedgerSettings } from '../config.js';
import { CommitListener } from './commit-listener.js';
import { CommitNotifier } from './commit-notifier.js';
import { listsProjection } from './lists-projection.js';
import { projectionMetrics } from './projection-metrics.js';
import { ProjectionRunner } from './projection-runner.js';
import { ProjectionWaiter } from './projection-waiter.js';
import { workerSession } from './sessions.js';

export interface RunningProjections {
  readonly waiter: ProjectionWaiter;
  /** A ledger has new events: turns are taken here, and other processes are told. */
  poke(ledgerId: string): void;
  /** Whether those of this process keep up with a ledger: true where it has none. */
  keepUpWith(ledgerId: string): boolean;
  /** Finishes the turns that are running. */
  stop(): Promise<void>;
}

const stopMsMax = 5_000;

/** Everything that this process's role needs: turns, and a word to those that follow the journal elsewhere. */
export async function startProjections(
  settings: LedgerSettings,
  readPool: pg.Pool,
  registry: Registry,
  logger: Logger,
): Promise<RunningProjections> {
  const url = settings.LEDGER_DATABASE_URL;
  const waiterSettings = { waitMsMax: settings.PROJECTION_WAIT_MS };
  // Other processes read the journal too, whatever this one does itself. A worker commits expiries of holds.
  const notifier = new CommitNotifier(url, logger);
  await notifier.start();
  const notify = (ledgerId: string) => notifier.notify(ledgerId);
  if (settings.LEDGER_ROLE === 'api') {
    return {
      waiter: new ProjectionWaiter(readPool, undefined, waiterSettings),
      poke: notify,
      keepUpWith: () => true,
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
  const isOwn = (serverProcessId: number) => notifier.isOwn(serverProcessId);
  const listener = new CommitListener(url, logger, poke, isOwn);
  await listener.start();
  runner.start();
  const onBehind = (ledgerId: string) => runner.poke(ledgerId, { isUrgent: true });
  return {
    waiter: new ProjectionWaiter(readPool, onBehind, waiterSettings),
    poke(ledgerId) {
      poke(ledgerId);
      notify(ledgerId);
    },
    keepUpWith: (ledgerId) => !runner.isHardPressed(ledgerId),
    async stop() {
      await notifier.stop();
      await listener.stop();
      await runner.stop(stopMsMax);
      await pool.end();
    },
  };
}
