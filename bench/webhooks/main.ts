import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { InvalidOption } from '../options.js';
import { stopOnSignals } from '../stop-on-signals.js';
import { openAccounts } from '../transfers/accounts.js';
import { postgresBaseline } from '../transfers/baselines.js';
import { startProduct, type StartedProduct } from '../transfers/product.js';
import { perSecond } from '../transfers/report.js';
import {
  readWebhookBenchSettings,
  scenarioMeanings,
  type ScenarioName,
  type WebhookBenchSettings,
} from './config.js';
import { receiverBaseline } from './receiver-baseline.js';
import { ReceiverProcess } from './receiver-process.js';
import { asJson, asText, isAsPromised, type Baselines, type Result } from './report.js';
import { measureHangOne } from './scenarios/hang-one.js';
import { measureHangTwenty } from './scenarios/hang-twenty.js';
import { measureKill } from './scenarios/kill.js';
import { measureLatency } from './scenarios/latency.js';
import { measureThroughput } from './scenarios/throughput.js';
import { WebhookBench } from './webhook-bench.js';

async function main(): Promise<void> {
  const settings = readWebhookBenchSettings(process.argv.slice(2));
  const stop = stopOnSignals();
  console.log(`Starting the product on a new data directory, its events on the ${settings.stream} stream …`);
  const startArguments = settings.stream === 'kafka' ? ['--kafka'] : [];
  const product = await startProduct(settings.environment, stop, startArguments);
  const receiver = await ReceiverProcess.start();
  try {
    console.log(`Ready after ${product.readyAfterSeconds.toFixed(1)} s.`);
    const baselines = await measureBaselines(settings, product, receiver);
    const run = randomBytes(6).toString('hex');
    const { ids } = await openAccounts(product, settings.accounts, run, stop);
    const bench = new WebhookBench(settings, product, receiver, ids, run, stop);
    const results: Result[] = [];
    for (const scenario of settings.scenarios) {
      console.log(`${scenario}: ${scenarioMeanings[scenario]} …`);
      results.push(...(await runScenario(bench, scenario)));
    }
    console.log(`\n${asText(results, baselines, settings)}`);
    const json = JSON.stringify(asJson(results, baselines, settings), null, 2);
    if (settings.jsonFile === undefined) console.log(`\n${json}`);
    else await writeFile(settings.jsonFile, `${json}\n`);
    if (!isAsPromised(results)) process.exitCode = 1;
  } finally {
    receiver.stop();
    await product.stop();
  }
}

async function measureBaselines(
  { baselineSeconds, connections }: WebhookBenchSettings,
  product: StartedProduct,
  receiver: ReceiverProcess,
): Promise<Baselines> {
  if (baselineSeconds === 0) return {};
  console.log(`Baselines, ${baselineSeconds} s each …`);
  const answered = await receiverBaseline(receiver, connections, baselineSeconds);
  const { postgresUrl } = product;
  const postgres = await postgresBaseline(postgresUrl, connections, baselineSeconds);
  return {
    receiverRequestsPerSecond: perSecond(answered, 204),
    commitsPerSecond: postgres.transactionsPerSecond,
  };
}

async function runScenario(bench: WebhookBench, scenario: ScenarioName): Promise<Result[]> {
  switch (scenario) {
    case 'one':
      return [await measureThroughput(bench, scenario, 1)];
    case 'ten':
      return [await measureThroughput(bench, scenario, 10)];
    case 'latency': {
      const results = [];
      for (const rate of bench.settings.latencyRates) results.push(await measureLatency(bench, rate));
      return results;
    }
    case 'hang-one':
      return [await measureHangOne(bench)];
    case 'kill':
      return [await measureKill(bench)];
    case 'hang-twenty':
      return [await measureHangTwenty(bench)];
  }
}

await main().catch((error: unknown) => {
  process.exitCode = 1;
  if (error instanceof InvalidOption) console.error(error.message);
  else if ((error as Error).name !== 'AbortError') console.error(error);
});
