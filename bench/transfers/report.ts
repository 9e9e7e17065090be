import { machine, percent, table, whole, type Row } from '../table.js';
import type { PostgresBaseline, PostgresBuild } from './baselines.js';
import type { BenchSettings } from './config.js';
import type { Tally } from './load.js';
import { accepted, type ScenarioResult } from './scenario.js';

export interface BenchResults {
  readonly settings: BenchSettings;
  readonly readyAfterSeconds: number | undefined;
  readonly accounts: Tally;
  /** Of GET /health/live, by number of connections. */
  readonly health: ReadonlyMap<number, Tally>;
  readonly postgres: PostgresBaseline | undefined;
  /** Absent: the product ran already, and nobody has said on which Postgres. */
  readonly postgresBuild: PostgresBuild | undefined;
  readonly scenarios: readonly ScenarioResult[];
  readonly check: SanityCheck;
}

export interface SanityCheck {
  readonly passed: boolean;
  readonly sentences: readonly string[];
}

export function perSecond(tally: Tally, status: number): number {
  return (tally.statuses.get(status) ?? 0) / tally.seconds;
}

function transfersPerSecond({ measured }: ScenarioResult): number {
  return accepted(measured) / measured.seconds;
}

/** What the JSON holds: everything measured, with the units in the names. */
export function asJson(results: BenchResults): unknown {
  const { settings, readyAfterSeconds, accounts, health, postgres, scenarios, check } = results;
  return {
    machine: { ...machine(), postgres: results.postgresBuild },
    settings: {
      accounts: settings.accounts,
      seconds: settings.seconds,
      warmUpSeconds: settings.warmUpSeconds,
    },
    readyAfterSeconds,
    accountsPerSecond: perSecond(accounts, 201),
    baselines: {
      healthRequestsPerSecond: Object.fromEntries(
        [...health].map(([connections, tally]) => [connections, perSecond(tally, 200)]),
      ),
      postgres,
    },
    scenarios: scenarios.map((result) => ({
      scenario: result.scenario,
      connections: result.connections,
      transfersPerSecond: transfersPerSecond(result),
      ofHealth: ratio(result, health),
      ofPostgres: postgres && transfersPerSecond(result) / postgres.transactionsPerSecond,
      latencyMs: result.measured.latencyMs,
      refusals: Object.fromEntries(result.measured.refusals),
      failures: result.measured.failures,
      unknownOutcomes: result.unknownInAll,
      projectionLag: result.lag,
      cpuSeconds: result.cpu,
      cpuMicrosecondsPerTransfer: cpuPerTransfer(result),
      generatorBusy: result.measured.generatorBusy,
    })),
    check,
  };
}

export function asText(results: BenchResults): string {
  const { health, postgres, scenarios, check } = results;
  const baselines = [...health].map(
    ([connections, tally]) =>
      `GET /health/live at ${connections} connections: ${whole(perSecond(tally, 200))} requests/s` +
      ` (load generator busy ${percent(tally.generatorBusy)})`,
  );
  if (postgres !== undefined) {
    baselines.push(
      `One inserted row per commit at ${postgres.connections} connections of Postgres: ` +
        `${whole(postgres.transactionsPerSecond)} commits/s`,
    );
  }
  return [
    ...runsOn(results),
    'Baselines, from the same run:',
    ...baselines.map((line) => `  ${line}`),
    '',
    table(scenarios.map((result) => row(result, results))),
    '',
    'ms: answers with 201 (a batch: 200), closed loop. lag: events behind while the load ran, and seconds from the last answer',
    'until the lists showed everything. CPU s: ledger / dispatcher / Postgres / load generator, during the measured seconds.',
    'Ratios: transfers/s divided by the baselines above.',
    ...scenarios.flatMap(refusalLines),
    ...warnings(scenarios),
    '',
    `Sanity check ${check.passed ? 'passed' : 'FAILED'}:`,
    ...check.sentences.map((sentence) => `  ${sentence}`),
  ].join('\n');
}

/** A product that ran already may run on another Node than we do. */
function runsOn({ readyAfterSeconds, postgresBuild }: BenchResults): string[] {
  const node = readyAfterSeconds === undefined ? [] : [`Node.js ${process.version}`];
  if (postgresBuild === undefined) return node;
  const { version, optimisation } = postgresBuild;
  const compiled = optimisation === undefined ? '' : `, compiled with ${optimisation}`;
  return [...node, `Postgres ${version}${compiled}`];
}

function row(result: ScenarioResult, { health, postgres }: BenchResults): Row {
  const { measured, lag, cpu } = result;
  const { latencyMs } = measured;
  const ofClass = (digit: number): number =>
    [...measured.statuses].reduce(
      (sum, [status, n]) => (Math.floor(status / 100) === digit ? sum + n : sum),
      0,
    );
  const ofHealth = ratio(result, health);
  return {
    scenario: result.scenario,
    conn: String(result.connections),
    'transfers/s': whole(transfersPerSecond(result)),
    'p50 ms': latencyMs?.p50.toFixed(1) ?? '-',
    'p99 ms': latencyMs?.p99.toFixed(1) ?? '-',
    'p99.9 ms': latencyMs?.p999.toFixed(1) ?? '-',
    '4xx': String(ofClass(4)),
    '5xx': String(ofClass(5)),
    broken: String(measured.failures['connection-error'] + measured.failures['unreadable-answer']),
    timeouts: String(measured.failures.timeout),
    lag: String(lag.eventsAtEnd),
    'lag s': lag.secondsToZero?.toFixed(2) ?? 'never',
    'CPU s': cpu
      ? [cpu.ledger, cpu.dispatcher, cpu.postgres, cpu.generator].map((s) => s.toFixed(1)).join(' / ')
      : '-',
    'of health': ofHealth?.toFixed(2) ?? '-',
    'of commits': postgres ? (transfersPerSecond(result) / postgres.transactionsPerSecond).toFixed(2) : '-',
  };
}

function ratio(result: ScenarioResult, health: ReadonlyMap<number, Tally>): number | undefined {
  const baseline = health.get(result.connections);
  return baseline && transfersPerSecond(result) / perSecond(baseline, 200);
}

function cpuPerTransfer({ cpu, measured }: ScenarioResult): Record<string, number> | undefined {
  const each = (seconds: number): number => Math.round((seconds * 1e6) / accepted(measured));
  if (cpu === undefined || accepted(measured) === 0) return undefined;
  return {
    ledger: each(cpu.ledger),
    dispatcher: each(cpu.dispatcher),
    postgres: each(cpu.postgres),
    generator: each(cpu.generator),
  };
}

function refusalLines({ scenario, connections, measured }: ScenarioResult): string[] {
  return [...measured.refusals].map(
    ([code, count]) => `Not accepted in ${scenario} at ${connections}: ${count} × ${code}`,
  );
}

function warnings(scenarios: readonly ScenarioResult[]): string[] {
  return scenarios
    .filter(({ measured }) => measured.generatorBusy > 0.9)
    .map(
      ({ scenario, connections, measured }) =>
        `The load generator was busy ${percent(measured.generatorBusy)} of the time in ${scenario} at ` +
        `${connections}: that figure may be its limit, not the product's.`,
    );
}
