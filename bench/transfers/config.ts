import { InvalidOption, Options, productEnvironment, type Environment } from '../options.js';
import { scenarioNames, type ScenarioName } from './transfers.js';

export interface BenchSettings {
  readonly connections: readonly number[];
  readonly scenarios: readonly ScenarioName[];
  /** Those of the scenarios that send batches. */
  readonly batchConnections: number;
  readonly accounts: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly baselineSeconds: number;
  /** Absent: the product is started here, on a directory of its own, and ended again. */
  readonly running: RunningProduct | undefined;
  /** Absent: the JSON goes to standard output. */
  readonly jsonFile: string | undefined;
  /** The environment of the product that is started here. */
  readonly environment: Readonly<Record<string, string>>;
}

export interface RunningProduct {
  readonly url: string;
  readonly apiKey: string;
  /** A superuser's or any role's that may create a database; absent: no Postgres baseline. */
  readonly postgresUrl: string | undefined;
}

const table = {
  connections: ['CONNECTIONS', '64,256', 'connections, one scenario run for each number'],
  'batch-connections': ['BATCH_CONNECTIONS', '4', 'connections of the scenarios that send batches'],
  seconds: ['DURATION_SECONDS', '20', 'measured seconds of a scenario'],
  'warm-up': ['WARM_UP_SECONDS', '5', 'seconds before them'],
  accounts: ['ACCOUNTS', '10000', 'accounts to open'],
  scenarios: ['SCENARIOS', scenarioNames.join(','), 'scenarios, in this order'],
  baseline: ['BASELINE_SECONDS', '5', 'seconds of each baseline; 0 leaves them out'],
  url: ['BENCH_URL', '', 'a product that runs already (its ledger is written to!)'],
  key: ['BENCH_KEY', '', 'its API key'],
  postgres: [
    'BENCH_POSTGRES_URL',
    '',
    'its Postgres, by a role that may create a database, for the baseline',
  ],
  json: ['BENCH_JSON', '', 'a file for the JSON'],
} as const;

/** The only reader of the environment here. */
export function readBenchSettings(
  args: readonly string[],
  environment: Environment = process.env,
): BenchSettings {
  const options = new Options(table, args, environment);
  const [url, apiKey] = [options.text('url'), options.text('key')];
  if ((url === '') !== (apiKey === '')) throw new InvalidOption('--url and --key belong together.');
  if (url !== '' && !/^http:\/\/[^/]+\/?$/.test(url)) {
    throw new InvalidOption('--url must be http://<host>:<port>.');
  }
  const running = { url, apiKey, postgresUrl: options.text('postgres') || undefined };
  return {
    connections: options.numbers('connections', 1, 10_000),
    scenarios: options.names('scenarios', scenarioNames),
    batchConnections: options.number('batch-connections', 1, 1_000),
    accounts: options.number('accounts', 2, 10_000_000),
    seconds: options.number('seconds', 1, 86_400),
    warmUpSeconds: options.number('warm-up', 0, 3_600),
    baselineSeconds: options.number('baseline', 0, 3_600),
    running: url === '' ? undefined : running,
    jsonFile: options.text('json') || undefined,
    environment: productEnvironment(environment),
  };
}
