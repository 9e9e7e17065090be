import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { InvalidOption } from '../options.js';
import { stopOnSignals } from '../stop-on-signals.js';
import { openAccounts } from './accounts.js';
import { healthBaseline, postgresBaseline, postgresBuild, type PostgresBaseline } from './baselines.js';
import { readBenchSettings, type BenchSettings, type RunningProduct } from './config.js';
import { LedgerApi } from './ledger-api.js';
import type { Tally } from './load.js';
import { startProduct, type StartedProduct } from './product.js';
import { asJson, asText, perSecond, type BenchResults, type SanityCheck } from './report.js';
import { runScenario, type Bench, type ScenarioResult } from './scenario.js';
import { isBatch, scenarioMeanings } from './transfers.js';

async function main(): Promise<void> {
  const settings = readBenchSettings(process.argv.slice(2));
  const stop = stopOnSignals();
  const started = settings.running === undefined ? await start(settings, stop) : undefined;
  try {
    const product = settings.running ?? started;
    if (product === undefined) throw new Error('There is no product to measure.');
    const results = await measure(settings, product, started, stop);
    console.log(`\n${asText(results)}`);
    const json = JSON.stringify(asJson(results), null, 2);
    if (settings.jsonFile === undefined) console.log(`\n${json}`);
    else await writeFile(settings.jsonFile, `${json}\n`);
    if (!results.check.passed) process.exitCode = 1;
  } finally {
    await started?.stop();
  }
}

async function start(settings: BenchSettings, stop: AbortSignal): Promise<StartedProduct> {
  console.log('Starting the product on a new data directory …');
  return await startProduct(settings.environment, stop);
}

async function measure(
  settings: BenchSettings,
  product: RunningProduct,
  started: StartedProduct | undefined,
  stop: AbortSignal,
): Promise<BenchResults> {
  if (started !== undefined) console.log(`Ready after ${started.readyAfterSeconds.toFixed(1)} s.`);
  const { postgresUrl } = product;
  const build = postgresUrl === undefined ? undefined : await postgresBuild(postgresUrl);
  const { health, postgres } = await measureBaselines(settings, product, stop);
  const run = randomBytes(6).toString('hex');
  const { ids: accountIds, tally: accounts } = await openAccounts(product, settings.accounts, run, stop);
  console.log(
    `${settings.accounts} accounts opened in ${accounts.seconds.toFixed(1)} s: ` +
      `${Math.round(perSecond(accounts, 201))}/s.`,
  );

  const api = new LedgerApi(product);
  const bench: Bench = { settings, product, productPid: started?.pid, api, accountIds, run, stop };
  const positionBefore = await api.headPosition();
  const scenarios: ScenarioResult[] = [];
  for (const { scenario, connections } of runsOf(settings)) {
    console.log(
      `${scenario} at ${connections} connections, ${settings.seconds} s: ${scenarioMeanings[scenario]}.`,
    );
    scenarios.push(await runScenario(bench, scenario, connections));
  }
  const check = await checkSanity(api, positionBefore, scenarios);
  const readyAfterSeconds = started?.readyAfterSeconds;
  return { settings, readyAfterSeconds, accounts, health, postgres, postgresBuild: build, scenarios, check };
}

/** Batches fill the product's queue with a few connections, whatever the others have. */
function runsOf({ connections, scenarios, batchConnections }: BenchSettings) {
  const singles = scenarios.filter((scenario) => !isBatch(scenario));
  return [
    ...connections.flatMap((count) => singles.map((scenario) => ({ scenario, connections: count }))),
    ...scenarios.filter(isBatch).map((scenario) => ({ scenario, connections: batchConnections })),
  ];
}

async function measureBaselines(
  settings: BenchSettings,
  product: RunningProduct,
  stop: AbortSignal,
): Promise<{ health: Map<number, Tally>; postgres: PostgresBaseline | undefined }> {
  const health = new Map<number, Tally>();
  const { baselineSeconds, connections } = settings;
  if (baselineSeconds === 0) return { health, postgres: undefined };
  console.log(`Baselines, ${baselineSeconds} s each …`);
  for (const count of connections) {
    stop.throwIfAborted();
    health.set(count, await healthBaseline(product.url, count, baselineSeconds));
  }
  stop.throwIfAborted();
  const { postgresUrl } = product;
  const postgres =
    postgresUrl && (await postgresBaseline(postgresUrl, Math.max(...connections), baselineSeconds));
  return { health, postgres: postgres || undefined };
}

/** That the fast answers were also true ones: nothing got lost, nothing was made up, no money appeared. */
async function checkSanity(
  api: LedgerApi,
  positionBefore: number,
  scenarios: readonly ScenarioResult[],
): Promise<SanityCheck> {
  const events = (await api.headPosition()) - positionBefore;
  const accepted = scenarios.reduce((sum, { acceptedInAll }) => sum + acceptedInAll, 0);
  const unknown = scenarios.reduce((sum, { unknownInAll }) => sum + unknownInAll, 0);
  const lines = await api.trialBalance();
  const isComplete = events >= accepted && events <= accepted + unknown;
  const isBalanced = lines.length > 0 && lines.every(({ difference }) => difference === '0');
  return {
    passed: isComplete && isBalanced,
    sentences: [
      `The journal has grown by ${events} events; ${accepted} transfers were answered as made, ` +
        `${unknown} got no answer.`,
      ...lines.map(
        ({ currency, difference, accounts }) =>
          `Trial balance of ${currency}: the difference over ${accounts} accounts is ${difference}.`,
      ),
    ],
  };
}

await main().catch((error: unknown) => {
  process.exitCode = 1;
  if (error instanceof InvalidOption) console.error(error.message);
  else if ((error as Error).name !== 'AbortError') console.error(error);
});
