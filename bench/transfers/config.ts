import { parseArgs } from 'node:util';
import { isScenarioName, scenarioNames, type ScenarioName } from './transfers.js';

export interface BenchSettings {
  readonly connections: readonly number[];
  readonly scenarios: readonly ScenarioName[];
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

export class InvalidOption extends Error {}

/** Flag, variable that means the same, default, description. */
const options = {
  connections: ['CONNECTIONS', '64,256', 'connections, one scenario run for each number'],
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

type Flag = keyof typeof options;
type Environment = Readonly<Record<string, string | undefined>>;

const PASSED_ON = ['PATH', 'HOME', 'TMPDIR', 'NODE_OPTIONS', 'LOG_LEVEL', 'DATABASE_URL'];

/** The only reader of the environment here. A flag wins over its variable. */
export function readBenchSettings(
  args: readonly string[],
  environment: Environment = process.env,
): BenchSettings {
  const flags = parseFlags(args);
  const text = (flag: Flag): string => flags[flag] ?? (environment[options[flag][0]] || options[flag][1]);
  const number = (flag: Flag, min: number, max: number): number => wholeNumber(flag, text(flag), min, max);
  const url = text('url');
  if ((url === '') !== (text('key') === '')) throw new InvalidOption('--url and --key belong together.');
  if (url !== '' && !/^http:\/\/[^/]+\/?$/.test(url)) {
    throw new InvalidOption('--url must be http://<host>:<port>.');
  }
  const running = { url, apiKey: text('key'), postgresUrl: text('postgres') || undefined };
  return {
    connections: text('connections')
      .split(',')
      .map((item) => wholeNumber('connections', item, 1, 10_000)),
    scenarios: text('scenarios').split(',').map(scenarioName),
    accounts: number('accounts', 2, 10_000_000),
    seconds: number('seconds', 1, 86_400),
    warmUpSeconds: number('warm-up', 0, 3_600),
    baselineSeconds: number('baseline', 0, 3_600),
    running: url === '' ? undefined : running,
    jsonFile: text('json') || undefined,
    environment: Object.fromEntries(
      PASSED_ON.flatMap((name) => (environment[name] ? [[name, environment[name]]] : [])),
    ),
  };
}

function parseFlags(args: readonly string[]): Partial<Record<Flag, string>> {
  const flags = Object.keys(options).map((flag) => [flag, { type: 'string' }] as const);
  try {
    return parseArgs({ args: [...args], options: Object.fromEntries(flags) }).values;
  } catch (error) {
    throw new InvalidOption(`${error instanceof Error ? error.message : String(error)}\n\n${usage()}`);
  }
}

function usage(): string {
  const lines = Object.entries(options).map(
    ([flag, [variable, standard, meaning]]) =>
      `  --${flag.padEnd(12)} ${variable.padEnd(18)} ${meaning}${standard === '' ? '' : ` (${standard})`}`,
  );
  return `Options, each with a variable that means the same:\n${lines.join('\n')}`;
}

function scenarioName(name: string): ScenarioName {
  if (isScenarioName(name)) return name;
  throw new InvalidOption(`--scenarios must be some of ${scenarioNames.join(',')}, and has "${name}".`);
}

function wholeNumber(flag: Flag, text: string, min: number, max: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
  if (value >= min && value <= max) return value;
  throw new InvalidOption(`--${flag} must be a whole number from ${min} to ${max}, and is "${text}".`);
}
