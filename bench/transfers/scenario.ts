import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchSettings, RunningProduct } from './config.js';
import { cpuSeconds, difference, type CpuSeconds } from './cpu-time.js';
import type { LedgerApi, ProjectionLag } from './ledger-api.js';
import { Load, type Tally } from './load.js';
import { batches, batchTransfers, isBatch, transfers, type ScenarioName } from './transfers.js';

const CATCH_UP_SECONDS_MAX = 120;

export interface ScenarioResult {
  readonly scenario: ScenarioName;
  readonly connections: number;
  /** The measured seconds alone. */
  readonly measured: Tally;
  /** From the first request of the warm-up to the last answer. */
  readonly acceptedInAll: number;
  readonly unknownInAll: number;
  readonly lag: ProjectionLag;
  readonly cpu: CpuSeconds | undefined;
}

export interface Bench {
  readonly settings: BenchSettings;
  readonly product: RunningProduct;
  /** Of the process that everything runs under; undefined where it was not started here. */
  readonly productPid: number | undefined;
  readonly api: LedgerApi;
  readonly accountIds: readonly string[];
  readonly run: string;
  readonly stop: AbortSignal;
}

export async function runScenario(
  bench: Bench,
  scenario: ScenarioName,
  connections: number,
): Promise<ScenarioResult> {
  const { settings, product, productPid, api, accountIds, stop } = bench;
  const hotAccount = accountIds[0] ?? '';
  const run = `${bench.run}-${scenario}-${connections}`;
  const load = isBatch(scenario)
    ? new Load(product.url, connections, batches(scenario, accountIds, product.apiKey, run), 200)
    : new Load(product.url, connections, transfers(scenario, accountIds, product.apiKey, run), 201);
  try {
    await sleep(settings.warmUpSeconds * 1000, undefined, { signal: stop });
    const cpuBefore = await cpuSeconds(productPid);
    const warmUp = load.take();
    await sleep(settings.seconds * 1000, undefined, { signal: stop });
    const measured = load.take();
    const cpuAfter = await cpuSeconds(productPid);
    // Asked while the load goes on, for without it there soon is no lag.
    const [eventsAtEnd, gaugesAtEnd] = await Promise.all([api.lagEvents(hotAccount), api.projectionGauges()]);
    await load.finish();
    // Of requests alone nobody projects, and nothing would ever catch up.
    const isProjected = settings.environment['LEDGER_ROLE'] !== 'api';
    const secondsToZero = isProjected
      ? await api.secondsUntilCaughtUp(hotAccount, CATCH_UP_SECONDS_MAX)
      : undefined;
    const tallies = [warmUp, measured, load.take()];
    return {
      scenario,
      connections,
      measured,
      acceptedInAll: sum(tallies, accepted),
      unknownInAll:
        sum(tallies, ({ unknownOutcomes }) => unknownOutcomes) * (isBatch(scenario) ? batchTransfers : 1),
      lag: { eventsAtEnd, secondsToZero, gaugesAtEnd },
      cpu: difference(cpuBefore, cpuAfter),
    };
  } finally {
    load.abort();
  }
}

/** Transfers that were made. */
export function accepted({ units }: Tally): number {
  return units;
}

function sum(tallies: readonly Tally[], value: (tally: Tally) => number): number {
  return tallies.reduce((total, tally) => total + value(tally), 0);
}
