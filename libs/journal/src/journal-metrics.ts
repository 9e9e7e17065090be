import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

export interface JournalMetrics {
  readonly batchSeconds: Histogram<'result'>;
  readonly batchCommands: Histogram;
  readonly decidedAhead: Counter<'result'>;
  readonly gatheredAccounts: Counter<'source'>;
  readonly refusedByQueue: Counter;
}

export function journalMetrics(registry: Registry, laneDepth: () => number): JournalMetrics {
  const registers = [registry];
  new Gauge({
    name: 'ledger_lane_depth_commands',
    help: 'Commands waiting in the lanes of this process',
    registers,
    collect() {
      this.set(laneDepth());
    },
  });
  return {
    batchSeconds: new Histogram({
      name: 'ledger_batch_seconds',
      help: 'Time of one attempt to commit a batch, by how it ended',
      labelNames: ['result'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    }),
    batchCommands: new Histogram({
      name: 'ledger_batch_commands',
      help: 'Commands in a committed batch',
      buckets: [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000],
      registers,
    }),
    decidedAhead: new Counter({
      name: 'ledger_batches_decided_ahead_total',
      help: 'Batches that were decided while the one before was written, and whether that was of use (used, given_up)',
      labelNames: ['result'],
      registers,
    }),
    gatheredAccounts: new Counter({
      name: 'ledger_gathered_accounts_total',
      help: 'Accounts that batches were decided by, known from the batch before (memory) or read (database)',
      labelNames: ['source'],
      registers,
    }),
    refusedByQueue: new Counter({
      name: 'ledger_queue_refusals_total',
      help: 'Commands refused because the queue was full',
      registers,
    }),
  };
}
