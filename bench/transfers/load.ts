import { createHistogram, performance, type EventLoopUtilization } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { HttpConnection, type Answer, type Failure } from './http-connection.js';

const REQUEST_MS_MAX = 15_000;
const TIMEOUT_SWEEP_MS = 250;
const CLOCK_MS = 1;

export interface Traffic {
  /** The next request as it goes over the wire; undefined when there are no more. */
  next(): string | undefined;
  onAnswer?(answer: Answer): void;
  /** How much of what is measured a successful answer stands for; absent: one each. */
  unitsOf?(answer: Answer): number;
}

/** What happened between two moments. */
export interface Tally {
  readonly seconds: number;
  readonly statuses: ReadonlyMap<number, number>;
  /** What the answers with the status that means success stand for. */
  readonly units: number;
  /** Error answers by `<status> <code>`. */
  readonly refusals: ReadonlyMap<string, number>;
  readonly failures: Readonly<Record<Failure, number>>;
  /** Requests that a failure left without an answer. */
  readonly unknownOutcomes: number;
  /** Of the answers with the status that means success. */
  readonly latencyMs: Latency | undefined;
  /** The share of the time in which the load generator itself had something to do. */
  readonly generatorBusy: number;
}

export interface Latency {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/**
 * A closed loop: each connection sends its next request when it has the answer to the one before. With a rate it
 * is open: requests are due at fixed times, whatever the answers do, and one that finds every connection busy goes
 * out when the first is free. All that was sent is accounted for: finish() waits for the answers that are under
 * way, and what got none is counted.
 */
export class Load {
  private readonly connections: HttpConnection[];
  private readonly sweep: NodeJS.Timeout;
  private readonly clock: NodeJS.Timeout | undefined;
  private readonly startedAt = performance.now();
  private readonly idle = new Set<HttpConnection>();
  private sent = 0;
  private isFinishing = false;
  private count = new Count();

  constructor(
    url: string,
    connections: number,
    private readonly traffic: Traffic,
    private readonly successStatus: number,
    private readonly ratePerSecond = Infinity,
  ) {
    const { hostname, port } = new URL(url);
    const events = {
      idle: (connection: HttpConnection) => {
        this.idle.add(connection);
        this.sendDue();
      },
      answer: (answer: Answer) => this.record(answer),
      failed: (connection: HttpConnection, failure: Failure, isOutcomeUnknown: boolean) => {
        this.idle.delete(connection);
        this.count.fail(failure, isOutcomeUnknown);
      },
    };
    this.connections = Array.from(
      { length: connections },
      () => new HttpConnection(hostname, Number(port || 80), events),
    );
    this.sweep = setInterval(() => {
      for (const connection of this.connections) connection.failIfOlderThan(REQUEST_MS_MAX);
    }, TIMEOUT_SWEEP_MS);
    if (ratePerSecond !== Infinity) this.clock = setInterval(() => this.sendDue(), CLOCK_MS);
  }

  /** What was counted since the last call, or since the beginning. */
  take(): Tally {
    const tally = this.count.tally();
    this.count = new Count();
    return tally;
  }

  /** Resolves when the traffic has ended by itself. */
  async untilExhausted(): Promise<void> {
    while (!this.isFinishing) await sleep(5);
    await this.finish();
  }

  /** Sends nothing more, and waits for what is under way. */
  async finish(): Promise<void> {
    this.isFinishing = true;
    while (this.connections.some((connection) => connection.isBusy)) await sleep(1);
    this.abort();
  }

  abort(): void {
    this.isFinishing = true;
    clearInterval(this.sweep);
    clearInterval(this.clock);
    for (const connection of this.connections) connection.close();
  }

  private sendDue(): void {
    for (const connection of this.idle) {
      if (this.isFinishing || !this.isNextDue()) return;
      const request = this.traffic.next();
      if (request === undefined) {
        this.isFinishing = true;
        return;
      }
      this.idle.delete(connection);
      this.sent += 1;
      connection.send(request);
    }
  }

  private isNextDue(): boolean {
    if (this.ratePerSecond === Infinity) return true;
    return this.sent < ((performance.now() - this.startedAt) / 1000) * this.ratePerSecond;
  }

  private record(answer: Answer): void {
    const units = answer.status === this.successStatus ? (this.traffic.unitsOf?.(answer) ?? 1) : 0;
    this.count.answer(answer, this.successStatus, units);
    this.traffic.onAnswer?.(answer);
  }
}

class Count {
  private readonly startedAt = performance.now();
  private readonly loopAtStart: EventLoopUtilization = performance.eventLoopUtilization();
  private readonly latency = createHistogram({ highest: 60_000_000, figures: 3 });
  private readonly statuses = new Map<number, number>();
  private readonly refusals = new Map<string, number>();
  private readonly failures = { 'connection-error': 0, timeout: 0, 'unreadable-answer': 0 };
  private unknownOutcomes = 0;
  private units = 0;

  answer({ status, body, elapsedMicroseconds }: Answer, successStatus: number, units: number): void {
    addOne(this.statuses, status);
    this.units += units;
    if (status === successStatus) this.latency.record(Math.max(1, elapsedMicroseconds));
    else addOne(this.refusals, `${status} ${errorCode(body)}`);
  }

  fail(failure: Failure, isOutcomeUnknown: boolean): void {
    this.failures[failure] += 1;
    if (isOutcomeUnknown) this.unknownOutcomes += 1;
  }

  tally(): Tally {
    const ms = (percentile: number): number => this.latency.percentile(percentile) / 1000;
    const latency = { p50: ms(50), p99: ms(99), p999: ms(99.9), max: this.latency.max / 1000 };
    return {
      seconds: (performance.now() - this.startedAt) / 1000,
      statuses: this.statuses,
      units: this.units,
      refusals: this.refusals,
      failures: this.failures,
      unknownOutcomes: this.unknownOutcomes,
      latencyMs: this.latency.count === 0 ? undefined : latency,
      generatorBusy: performance.eventLoopUtilization(this.loopAtStart).utilization,
    };
  }
}

function addOne<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function errorCode(body: Buffer): string {
  try {
    const { error } = JSON.parse(body.toString('utf8')) as { error?: { code?: string } };
    return error?.code ?? 'without a code';
  } catch {
    return 'without a code';
  }
}
