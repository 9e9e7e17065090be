import { machine, percent, table, whole, type Row } from '../table.js';
import type { CpuSeconds } from '../transfers/cpu-time.js';
import type { StreamName, WebhookBenchSettings } from './config.js';
import type { HangOneResult } from './scenarios/hang-one.js';
import type { BurstResult, HangTwentyResult } from './scenarios/hang-twenty.js';
import type { KillResult } from './scenarios/kill.js';
import type { LatencyResult } from './scenarios/latency.js';
import type { ThroughputResult } from './scenarios/throughput.js';
import type { Arrival } from './webhook-bench.js';

export type Result = ThroughputResult | LatencyResult | HangOneResult | KillResult | HangTwentyResult;

/** From the same run, so that figures of different machines can be compared. */
export interface Baselines {
  readonly receiverRequestsPerSecond?: number;
  readonly commitsPerSecond?: number;
}

export function asJson(
  results: readonly Result[],
  baselines: Baselines,
  { environment: _, jsonFile: __, ...settings }: WebhookBenchSettings,
): unknown {
  return {
    machine: machine(),
    settings,
    baselines,
    results,
    isEverythingThere: isEverythingThere(results),
    isAsPromised: isAsPromised(results),
  };
}

export function asText(
  results: readonly Result[],
  baselines: Baselines,
  { stream }: WebhookBenchSettings,
): string {
  const throughput = results.filter((result) => result.kind === 'throughput');
  const latency = results.filter((result) => result.kind === 'latency');
  return [
    `Events on the ${stream} stream.`,
    ...baselineLines(baselines),
    ...section(throughput.map((result) => throughputRow(result, baselines, stream))),
    ...section(latency.map(latencyRow)),
    ...results.flatMap(sentences),
    '',
    table(results.flatMap(arrivalRows)),
    '',
    'delivered/s: different events received per second while events were posted; drained/s: after that. ms: from',
    "the event's occurredAt, read by Postgres before the commit, to its first arrival, rounded up to the next",
    'millisecond of the same clock. CPU s: ledger / dispatcher / Postgres / load generator / a broker that the product',
    'has started. Ratios: divided by the baselines above, or by p50 of the POSTs in the same seconds.',
    `Every event at every endpoint that answers: ${isEverythingThere(results) ? 'yes' : 'NO'}.`,
  ].join('\n');
}

/** Nothing is missing, and after a kill only what was under way came again. */
export function isAsPromised(results: readonly Result[]): boolean {
  const kills = results.filter((result) => result.kind === 'kill');
  const isNoneTooMany = kills.every(({ arrival, underWay }) => arrival.duplicates <= underWay);
  return isNoneTooMany && isEverythingThere(results);
}

function isEverythingThere(results: readonly Result[]): boolean {
  return results.flatMap(arrivalsOf).every(([, { isComplete }]) => isComplete);
}

function baselineLines({ receiverRequestsPerSecond, commitsPerSecond }: Baselines): string[] {
  const lines = [];
  if (receiverRequestsPerSecond !== undefined) {
    lines.push(`  The receiver alone: ${whole(receiverRequestsPerSecond)} requests/s`);
  }
  if (commitsPerSecond !== undefined) {
    lines.push(`  One inserted row per commit: ${whole(commitsPerSecond)} commits/s`);
  }
  return lines.length === 0 ? [] : ['Baselines, from the same run:', ...lines];
}

function section(rows: readonly Row[]): string[] {
  return rows.length === 0 ? [] : ['', table(rows)];
}

function throughputRow(result: ThroughputResult, baselines: Baselines, stream: StreamName): Row {
  const { cpu, deliveredPerSecond } = result;
  const ratio = (of: number | undefined): string =>
    of === undefined ? '-' : (deliveredPerSecond / of).toFixed(2);
  return {
    scenario: result.scenario,
    endpoints: String(result.endpoints),
    'posted/s': whole(result.postedPerSecond),
    'delivered/s': whole(deliveredPerSecond),
    'behind at end': whole(result.behindAtEnd),
    'drained/s': result.drainedPerSecond === undefined ? '-' : whole(result.drainedPerSecond),
    'of receiver': ratio(baselines.receiverRequestsPerSecond),
    'of commits': ratio(baselines.commitsPerSecond),
    'CPU s': cpu === undefined ? '-' : cpuSeconds(cpu, stream),
    'generator busy': percent(result.generatorBusy),
    'receiver busy': percent(result.receiverBusy),
  };
}

function cpuSeconds(cpu: CpuSeconds, stream: StreamName): string {
  const broker = stream === 'kafka' ? [cpu.broker] : [];
  const parts = [cpu.ledger, cpu.dispatcher, cpu.postgres, cpu.generator, ...broker];
  return parts.map((seconds) => seconds.toFixed(1)).join(' / ');
}

function latencyRow({ scenario, postedPerSecond, latencyMs, postMs }: LatencyResult): Row {
  const ms = (value: number | undefined): string => value?.toFixed(1) ?? '-';
  return {
    scenario,
    'posted/s': whole(postedPerSecond),
    'p50 ms': ms(latencyMs?.p50),
    'p99 ms': ms(latencyMs?.p99),
    'p99.9 ms': ms(latencyMs?.p999),
    'max ms': ms(latencyMs?.max),
    'POST p50 ms': ms(postMs?.p50),
    'p50 of POST p50': latencyMs && postMs ? (latencyMs.p50 / postMs.p50).toFixed(2) : '-',
  };
}

function sentences(result: Result): string[] {
  switch (result.kind) {
    case 'throughput':
    case 'latency':
      return [];
    case 'hang-one':
      return [
        '',
        `hang-one: at ${result.ratePerSecond}/s for ${result.seconds} s the healthy endpoint of two had ` +
          `${result.receivedInTime} of ${result.posted} events in time and lost ` +
          `${(result.healthyLoses * 100).toFixed(2)} %; p50 ${result.latencyMs?.p50.toFixed(1) ?? '-'} ms, ` +
          `p99 ${result.latencyMs?.p99.toFixed(1) ?? '-'} ms.`,
      ];
    case 'kill':
      return [
        '',
        `kill: killed with ${result.receivedAtKill} of ${result.arrival.events} events received and ` +
          `${result.underWay} deliveries under way; lost ${result.arrival.lost}, duplicates ` +
          `${result.arrival.duplicates}. A new process after ${result.restartSecondsAfterKill.toFixed(2)} s, the ` +
          `last event ${result.lastSecondsAfterRestart.toFixed(2)} s after that; posting ended ` +
          `${result.postingEndedSecondsAfterKill.toFixed(2)} s after the kill.`,
      ];
    case 'hang-twenty':
      return [
        '',
        `hang-twenty: ${result.events} events to each endpoint. The same 80 got ${burst(result.alone)} without others, ` +
          `${burst(result.allAnswer)} beside 20 that answer, ${burst(result.twentyHang)} beside 20 that hang: ` +
          `${(result.keptOfAllAnswer * 100).toFixed(1)} % of all answering, ` +
          `${(result.keptOfAlone * 100).toFixed(1)} % of alone.`,
      ];
  }
}

function burst({ deliveredPerSecond, seconds }: BurstResult): string {
  return `${whole(deliveredPerSecond)}/s (${seconds.toFixed(1)} s)`;
}

function arrivalsOf(result: Result): (readonly [name: string, arrival: Arrival])[] {
  if (result.kind !== 'hang-twenty') return [[result.scenario, result.arrival]];
  return [
    [`${result.scenario}, 80 alone`, result.alone.arrival],
    [`${result.scenario}, all answer`, result.allAnswer.arrival],
    [`${result.scenario}, 20 hang`, result.twentyHang.arrival],
  ];
}

function arrivalRows(result: Result): Row[] {
  return arrivalsOf(result).map(([name, arrival]) => ({
    'received against posted': name,
    accepted: String(arrival.posted.accepted),
    'in journal': String(arrival.events),
    endpoints: String(arrival.endpoints),
    lost: String(arrival.lost),
    invented: String(arrival.invented),
    duplicates: String(arrival.duplicates),
    unreadable: String(arrival.unreadable),
    'body bytes': whole(arrival.meanBodyBytes),
    refused:
      Object.entries(arrival.posted.refused)
        .map(([code, count]) => `${count} × ${code}`)
        .join(', ') || '0',
  }));
}
