import { Options, productEnvironment, type Environment } from '../options.js';

export const streamNames = ['postgres', 'kafka'] as const;
export type StreamName = (typeof streamNames)[number];

/** Latency first: for minutes after half a million deliveries, autovacuum competes with whatever is measured. */
export const scenarioNames = ['latency', 'one', 'ten', 'hang-one', 'kill', 'hang-twenty'] as const;
export type ScenarioName = (typeof scenarioNames)[number];

export const scenarioMeanings: Readonly<Record<ScenarioName, string>> = {
  one: 'one endpoint gets every event, while as many as possible are posted',
  ten: 'ten endpoints get every event, while as many as possible are posted',
  latency: 'one endpoint, events posted at a fixed rate',
  'hang-one': 'one of two endpoints accepts and never answers',
  kill: 'the dispatcher is killed with -9 in the middle of a burst',
  'hang-twenty':
    '80 endpoints alone, then beside 20 that answer, then beside 20 that accept and never answer',
};

export interface WebhookBenchSettings {
  readonly scenarios: readonly ScenarioName[];
  /** Over which events are posted in a closed loop. */
  readonly connections: number;
  readonly accounts: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly baselineSeconds: number;
  readonly latencyRates: readonly number[];
  readonly maxConcurrency: number;
  readonly hangSeconds: number;
  readonly hangRate: number;
  readonly killEvents: number;
  readonly hangEvents: number;
  /** How long a scenario waits for what was posted to arrive. */
  readonly arrivalSeconds: number;
  /** From which the dispatcher takes events. */
  readonly stream: StreamName;
  readonly jsonFile: string | undefined;
  readonly environment: Readonly<Record<string, string>>;
}

const table = {
  stream: ['STREAM', 'postgres', `the stream of events, ${streamNames.join(' or ')}`],
  scenarios: ['SCENARIOS', scenarioNames.join(','), 'scenarios, in this order'],
  connections: ['CONNECTIONS', '64', 'connections that post events'],
  accounts: ['ACCOUNTS', '1000', 'accounts to open'],
  seconds: ['DURATION_SECONDS', '20', 'measured seconds of one, ten and latency'],
  'warm-up': ['WARM_UP_SECONDS', '5', 'seconds before them'],
  baseline: ['BASELINE_SECONDS', '5', 'seconds of each baseline; 0 leaves them out'],
  rates: ['LATENCY_RATES', '100,500', 'events/s of latency, one run for each'],
  'max-concurrency': ['MAX_CONCURRENCY', '10', "an endpoint's maxConcurrency"],
  'hang-seconds': ['HANG_SECONDS', '60', 'seconds of hang-one'],
  'hang-rate': ['HANG_RATE', '100', 'events/s of hang-one'],
  'kill-events': ['KILL_EVENTS', '2000', 'events of kill'],
  'hang-events': ['HANG_EVENTS', '1000', 'events of hang-twenty, each to 80 or 100 endpoints'],
  arrival: ['ARRIVAL_SECONDS', '300', 'seconds to wait for what was posted to arrive'],
  json: ['BENCH_JSON', '', 'a file for the JSON'],
} as const;

/** The only reader of the environment here. */
export function readWebhookBenchSettings(
  args: readonly string[],
  environment: Environment = process.env,
): WebhookBenchSettings {
  const options = new Options(table, args, environment);
  const stream = options.name('stream', streamNames);
  return {
    scenarios: options.names('scenarios', scenarioNames),
    connections: options.number('connections', 1, 10_000),
    accounts: options.number('accounts', 2, 1_000_000),
    seconds: options.number('seconds', 1, 86_400),
    warmUpSeconds: options.number('warm-up', 0, 3_600),
    baselineSeconds: options.number('baseline', 0, 3_600),
    latencyRates: options.numbers('rates', 1, 100_000),
    maxConcurrency: options.number('max-concurrency', 1, 1_000),
    hangSeconds: options.number('hang-seconds', 1, 3_600),
    hangRate: options.number('hang-rate', 1, 100_000),
    killEvents: options.number('kill-events', 10, 10_000_000),
    hangEvents: options.number('hang-events', 10, 1_000_000),
    arrivalSeconds: options.number('arrival', 1, 86_400),
    jsonFile: options.text('json') || undefined,
    stream,
    environment: productEnvironment(environment, { withKafka: stream === 'kafka' }),
  };
}
