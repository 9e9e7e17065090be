import type { Logger } from '#platform';
import type { DeliveryMetrics } from './delivery-metrics.js';
import type { EndpointLine } from './endpoint-line.js';
import { changedLatelyMs, type DeliveryEngine } from './engine.js';
import { countParked } from '../intake/scan-dead-letters.js';
import type { Queryable } from './held-terms.js';
import { anyDay, countDue, probeNextDue } from './scan-shards.js';

export interface ScanLoopParts {
  readonly pool: Queryable;
  readonly engine: DeliveryEngine;
  readonly metrics: DeliveryMetrics;
  readonly logger: Logger;
  readonly shardsHeld: () => number;
  /** What else is to be done each time, such as recoveries. */
  readonly alsoDo: () => Promise<void>;
  readonly everyMs?: number;
}

const everyMsDefault = 1_000;
const tickMs = 100;
const readAllEveryMs = 60_000;
const measureEveryMs = 5_000;
const probedMax = 500;
/** Endpoints of which nothing is expected, looked at in turn in case a notification was lost. */
const visitedPerScan = 100;

/**
 * Makes up for all that was not heard: reads what endpoints have changed, asks for when the next deliveries are
 * due, and visits each endpoint in its turn. Each scan's cost has a limit, whatever the number of endpoints.
 */
export class ScanLoop {
  private timer: NodeJS.Timeout | undefined;
  private ticker: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();
  private isStopped = false;
  private readAllAtMs = performance.now();
  private measuredAtMs = -Infinity;
  private visitedTo = 0;

  constructor(private readonly parts: ScanLoopParts) {}

  start(): void {
    this.ticker = setInterval(() => this.parts.engine.tick(), tickMs);
    this.soon();
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.timer);
    clearInterval(this.ticker);
    await this.running;
  }

  private soon(): void {
    if (this.isStopped) return;
    this.timer = setTimeout(() => {
      this.running = this.scan()
        .catch((err: unknown) => this.parts.logger.warn({ err }, 'a scan of the deliveries failed'))
        .finally(() => this.soon());
    }, this.parts.everyMs ?? everyMsDefault);
  }

  private async scan(): Promise<void> {
    const { engine, alsoDo } = this.parts;
    const now = performance.now();
    const isForAll = now - this.readAllAtMs > readAllEveryMs;
    if (isForAll) this.readAllAtMs = now;
    const shards = engine.heldTerms.map(({ shard }) => shard);
    await engine.refresh(shards, isForAll ? null : changedLatelyMs);
    const lines = engine.allLines;
    const visited = this.visit(lines);
    await engine.dissolveLanes(visited);
    const asking = lines.filter((line) => line.isProbeNeeded).slice(0, probedMax);
    await this.probe([...new Set([...asking, ...visited])]);
    await alsoDo();
    if (now - this.measuredAtMs > measureEveryMs) {
      this.measuredAtMs = now;
      await this.measure(lines);
    }
  }

  private visit(lines: readonly EndpointLine[]): readonly EndpointLine[] {
    if (this.visitedTo >= lines.length) this.visitedTo = 0;
    const visited = lines.slice(this.visitedTo, this.visitedTo + visitedPerScan);
    this.visitedTo += visitedPerScan;
    for (const line of visited) {
      this.parts.engine.cancelIfOff(line);
      if (line.endpoint.isOrdered) this.parts.engine.recallLanes(line);
    }
    return visited;
  }

  private async probe(lines: readonly EndpointLine[]): Promise<void> {
    if (lines.length === 0) return;
    const byId = new Map(lines.map((line) => [line.endpoint.id, line]));
    for (const line of lines) line.isProbeNeeded = false;
    let oldestMs = 0;
    try {
      const endpoints = lines.map(({ ofLedger }) => ofLedger);
      for (const { endpointId, waitMs } of await probeNextDue(this.parts.pool, endpoints)) {
        const line = byId.get(endpointId);
        if (!line || waitMs === null) continue;
        if (waitMs <= 0) line.fromDay = anyDay;
        line.expect(performance.now() + waitMs);
        oldestMs = Math.max(oldestMs, -waitMs);
        this.parts.engine.want(line);
      }
    } catch (error) {
      for (const line of lines) line.isProbeNeeded = true;
      throw error;
    }
    this.parts.metrics.oldestDueSeconds.set(oldestMs / 1_000);
  }

  private async measure(lines: readonly EndpointLine[]): Promise<void> {
    const { pool, engine, metrics, shardsHeld } = this.parts;
    metrics.shardsHeld.set(shardsHeld());
    metrics.openBreakers.set(engine.countOpenBreakers());
    const now = performance.now();
    const behind = lines
      .filter(({ dueFromMs }) => dueFromMs !== null && dueFromMs <= now)
      .slice(0, probedMax);
    const endpoints = behind.map(({ ofLedger }) => ofLedger);
    metrics.due.set(endpoints.length === 0 ? 0 : await countDue(pool, endpoints));
    const { parkedLedgers, deadLetters } = await countParked(pool);
    metrics.parkedLedgers.set(parkedLedgers);
    metrics.deadLetters.set(deadLetters);
  }
}
