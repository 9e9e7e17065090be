import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger, SecretBox } from '#platform';
import type { AttemptOutcome, AttemptTarget, WebhookMessage } from './attempt-outcome.js';
import { isFailingForGood } from './auto-disable.js';
import { ClaimLoop } from './claim-loop.js';
import type { ClaimedDelivery, DeliveryEndpoint, DeliveryResult } from './delivery-endpoint.js';
import type { DeliveryMetrics } from './delivery-metrics.js';
import { EndpointLine } from './endpoint-line.js';
import type { EventBodies } from './event-bodies.js';
import type { Queryable, ShardTerm } from './held-terms.js';
import { ResultWriter } from './result-writer.js';
import {
  callArrivals,
  callHeads,
  dissolveLanes,
  laneStart,
  type Lane,
  type LanePosition,
} from './scan-lanes.js';
import type { FailingEndpoint } from './scan-results.js';
import { anyDay, giveBack, readEndpoints } from './scan-shards.js';
import { cancelPending, disableEndpoint } from './turn-off-endpoint.js';
import { verdictOf } from './verdict.js';

export interface EngineParts {
  readonly pool: Queryable;
  readonly sender: { send(target: AttemptTarget, message: WebhookMessage): Promise<AttemptOutcome> };
  readonly secretBox: Pick<SecretBox, 'open'>;
  readonly bodies: EventBodies;
  readonly metrics: DeliveryMetrics;
  readonly logger: Logger;
  /** Whether this term is the one that is held now. */
  readonly holds: (term: ShardTerm) => boolean;
  readonly verdict?: typeof verdictOf;
  readonly nowMs?: () => number;
}

const inFlightMax = 2_048;
/** Claimed and not yet sent, over all endpoints. */
const waitingMax = 20_000;
const retryMs = 250;
/** What is under way on a shard that another process wants may end within this time. */
const handOverMsMax = 5_000;

interface Lanes {
  last: LanePosition;
  isCalling: boolean;
  isCalledAgain: boolean;
}

/**
 * Delivers what is due for the endpoints of the shards that this process holds. Each endpoint has a line of its
 * own; they share the claims, the results' batches and the limits. Nothing here is needed after a crash: what was
 * being delivered is due again for whoever takes the shard.
 */
export class DeliveryEngine {
  private readonly lines = new Map<string, EndpointLine>();
  private readonly terms = new Map<number, number>();
  private readonly lanes = new WeakMap<EndpointLine, Lanes>();
  private readonly claims: ClaimLoop;
  private readonly results: ResultWriter;
  private readonly background = new Set<Promise<void>>();
  private inFlight = 0;
  private waiting = 0;
  private isStopping = false;

  constructor(private readonly parts: EngineParts) {
    const { pool, bodies, logger } = parts;
    this.claims = new ClaimLoop({
      pool,
      bodies,
      logger,
      isHeld: (line) => this.isHeld(line),
      isFull: () => this.results.isFull || this.waiting >= waitingMax,
    });
    this.results = new ResultWriter({
      pool,
      logger,
      onFailing: (endpoints) => this.onFailing(endpoints),
      onLanesLeft: (left, terms) => this.inBackground(() => this.callHeads(left, terms)),
      onWritten: (results, outcomes) => this.onWritten(results, outcomes),
    });
  }

  get allLines(): readonly EndpointLine[] {
    return [...this.lines.values()];
  }

  get heldTerms(): readonly ShardTerm[] {
    return [...this.terms].map(([shard, term]) => ({ shard, term }));
  }

  /** Shards that were taken: their endpoints are worked from now on. */
  take(terms: readonly ShardTerm[]): void {
    for (const { shard, term } of terms) this.terms.set(shard, term);
    this.inBackground(() => this.refresh(terms.map(({ shard }) => shard)));
  }

  /** Shards whose lock or term is gone. */
  lose(shards: readonly number[]): void {
    for (const shard of shards) this.terms.delete(shard);
    for (const line of this.linesOf(shards)) {
      line.drop();
      this.lines.delete(line.endpoint.id);
    }
  }

  /** Ends the work on a shard, as far as it ends in time, so that the next process repeats nothing. */
  async handOver(shard: number): Promise<void> {
    const term = this.terms.get(shard);
    await this.endLines(this.linesOf([shard]), handOverMsMax);
    if (this.terms.get(shard) === term) this.lose([shard]);
  }

  /** Takes nothing new, and lets what is under way end within the limit. What doesn't is due again at once. */
  async stop(waitMsMax: number): Promise<void> {
    this.isStopping = true;
    await this.claims.stop();
    await this.endLines(this.allLines, waitMsMax);
    await Promise.race([Promise.all(this.background), sleep(waitMsMax, undefined, { ref: false })]);
    this.results.abandon();
    this.lose([...this.terms.keys()]);
  }

  /** Something may be due for these endpoints. Those of others are not ours to wake. */
  wake(endpointIds: readonly string[]): void {
    for (const id of endpointIds) {
      const line = this.lines.get(id);
      if (!line) continue;
      if (line.endpoint.isOrdered) this.callArrivals(line);
      line.expect(0);
      this.want(line);
    }
  }

  /** Older events than those that it has were made due for an endpoint, or put into its lanes. */
  wakeFromStart(endpointId: string): void {
    const line = this.lines.get(endpointId);
    if (!line) return;
    line.fromDay = anyDay;
    if (line.endpoint.isOrdered) this.recallLanes(line);
    this.wake([endpointId]);
  }

  want(line: EndpointLine): void {
    if (line.wanted > 0) this.claims.want(line);
  }

  /** Lines whose time has come: a retry, a probe of an open breaker. */
  tick(): void {
    if (this.isStopping) return;
    for (const line of this.lines.values()) line.pump();
  }

  /** Reads the endpoints of shards again, those alone that changed lately where a time is given. */
  async refresh(shards: readonly number[], changedWithinMs: number | null = null): Promise<void> {
    const held = shards.filter((shard) => this.terms.has(shard));
    if (held.length === 0) return;
    const terms = new Map(this.terms);
    const endpoints = await readEndpoints(this.parts.pool, held, changedWithinMs);
    for (const endpoint of endpoints) {
      const term = this.terms.get(endpoint.shard);
      if (term !== undefined && term === terms.get(endpoint.shard)) this.apply(endpoint, term);
    }
    if (changedWithinMs === null) this.forgetAllBut(endpoints, held);
  }

  /** Those that were deleted long ago. */
  private forgetAllBut(endpoints: readonly DeliveryEndpoint[], shards: readonly number[]): void {
    const kept = new Set(endpoints.map(({ id }) => id));
    for (const line of this.linesOf(shards)) {
      if (kept.has(line.endpoint.id) || !line.endpoint.isDeleted) continue;
      line.stop();
      this.lines.delete(line.endpoint.id);
    }
  }

  /** Makes due again what waits in lanes, from their beginning. */
  recallLanes(line: EndpointLine): void {
    const lanes = this.lanes.get(line);
    if (lanes) lanes.last = laneStart;
    this.callArrivals(line);
  }

  /** Lanes of endpoints that are no longer ordered keep nothing waiting. */
  async dissolveLanes(lines: readonly EndpointLine[]): Promise<void> {
    const unordered = lines.filter((line) => !line.endpoint.isOrdered && this.isHeld(line));
    if (unordered.length === 0) return;
    const endpoints = unordered.map(({ ofLedger, shard, term }) => ({ ...ofLedger, shard, term }));
    this.wake(await dissolveLanes(this.parts.pool, endpoints));
  }

  cancelIfOff(line: EndpointLine): void {
    if (!line.endpoint.isEnabled) this.inBackground(() => this.cancelAll(line));
  }

  countOpenBreakers(): number {
    return this.allLines.filter((line) => line.isOpen).length;
  }

  private apply(endpoint: DeliveryEndpoint, term: number): void {
    const known = this.lines.get(endpoint.id);
    if (known) {
      if (known.endpoint.updatedAt === endpoint.updatedAt) return;
      known.change(endpoint);
      this.cancelIfOff(known);
      return;
    }
    if (this.isStopping) return;
    const line = new EndpointLine(endpoint, term, {
      send: (target, message) => this.parts.sender.send(target, message),
      mayStart: (starting) => this.mayStart(starting),
      onWaiting: (change) => (this.waiting += change),
      onStarted: () => this.parts.metrics.inFlight.set(++this.inFlight),
      onEnded: (_, outcome) => this.onEnded(outcome),
      addResult: (result) => this.results.add(result),
      giveBack: (deliveries) => this.inBackground(() => this.giveBack(deliveries)),
      onGone: (gone) => this.inBackground(() => this.disable(gone, 'gone')),
      wantMore: (wanting) => this.claims.want(wanting),
      secretBox: this.parts.secretBox,
      verdict: this.parts.verdict ?? verdictOf,
      nowMs: this.parts.nowMs ?? (() => performance.now()),
    });
    this.lines.set(endpoint.id, line);
    this.cancelIfOff(line);
    if (endpoint.isOrdered) this.callArrivals(line);
    this.want(line);
  }

  private isHeld(line: EndpointLine): boolean {
    return this.parts.holds({ shard: line.shard, term: line.term });
  }

  /** A line may use half of what is left, so that many that hang leave room for those that don't. */
  private mayStart(line: EndpointLine): boolean {
    const left = inFlightMax - this.inFlight;
    return !this.results.isFull && left > 0 && line.inFlight < Math.max(1, left / 2) && this.isHeld(line);
  }

  private onEnded(outcome: AttemptOutcome): void {
    const { attempts, attemptSeconds, inFlight } = this.parts.metrics;
    inFlight.set(--this.inFlight);
    const { statusCode, errorClass } = outcome;
    attempts.inc({
      result: errorClass ?? (statusCode === null ? 'none' : `${Math.floor(statusCode / 100)}xx`),
    });
    attemptSeconds.observe(outcome.durationMs / 1_000);
  }

  private onWritten(results: readonly DeliveryResult[], outcomes: Readonly<Record<string, number>>): void {
    const { deliveries, refusedResults } = this.parts.metrics;
    let refused = results.length;
    for (const [outcome, count] of Object.entries(outcomes)) {
      refused -= count;
      if (outcome !== 'pending') deliveries.inc({ outcome }, count);
    }
    refusedResults.inc(refused);
  }

  private onFailing(endpoints: readonly FailingEndpoint[]): void {
    for (const failing of endpoints) {
      const line = this.lines.get(failing.endpointId);
      if (!line?.endpoint.isEnabled) continue;
      if (isFailingForGood(recordOf(failing), new Date()))
        this.inBackground(() => this.disable(line, 'failing'));
    }
  }

  private async disable(line: EndpointLine, reason: 'gone' | 'failing'): Promise<void> {
    const { pool, logger, metrics } = this.parts;
    const { id, ledgerId } = line.endpoint;
    const isDisabled = await this.untilDone(line, () =>
      disableEndpoint(pool, { shard: line.shard, term: line.term }, ledgerId, id, reason),
    );
    if (isDisabled !== true) return;
    metrics.disabledEndpoints.inc({ reason });
    logger.warn({ endpointId: id, ledgerId, reason }, 'an endpoint was disabled');
    await this.refresh([line.shard], changedLatelyMs);
  }

  private async cancelAll(line: EndpointLine): Promise<void> {
    const term = { shard: line.shard, term: line.term };
    for (;;) {
      const step = await this.untilDone(line, () =>
        cancelPending(this.parts.pool, term, line.endpoint.ledgerId, line.endpoint.id),
      );
      if (!step || line.endpoint.isEnabled) return;
      this.parts.metrics.deliveries.inc({ outcome: 'cancelled' }, step.cancelled);
      if (step.lanesLeft !== null) await this.callHeads(step.lanesLeft, [term]);
      if (step.cancelled === 0) return;
    }
  }

  /** One look at a time; whoever asks meanwhile has it done once more. */
  private callArrivals(line: EndpointLine): void {
    const lanes = this.lanes.get(line) ?? { last: laneStart, isCalling: false, isCalledAgain: false };
    this.lanes.set(line, lanes);
    lanes.isCalledAgain = true;
    if (lanes.isCalling) return;
    lanes.isCalling = true;
    this.inBackground(async () => {
      while (lanes.isCalledAgain && this.isHeld(line)) {
        lanes.isCalledAgain = false;
        const term = { shard: line.shard, term: line.term };
        const from = lanes.last;
        const called = await this.untilDone(line, () =>
          callArrivals(this.parts.pool, term, line.ofLedger, from),
        );
        if (!called) break;
        // Called from the beginning meanwhile: that is still to be done.
        if (lanes.last === from) lanes.last = called.last;
        if (called.due > 0) {
          line.expect(0);
          this.want(line);
        }
      }
      lanes.isCalling = false;
    });
  }

  private async callHeads(left: readonly Lane[], terms: readonly ShardTerm[]): Promise<void> {
    const [first] = left;
    const line = first && this.lines.get(first.endpointId);
    if (!line) return;
    const endpointIds = await this.untilDone(line, () => callHeads(this.parts.pool, terms, left));
    for (const id of endpointIds ?? []) {
      const woken = this.lines.get(id);
      woken?.expect(0);
      if (woken) this.want(woken);
    }
  }

  private async giveBack(deliveries: readonly ClaimedDelivery[]): Promise<void> {
    const [first] = deliveries;
    if (!first) return;
    for (;;) {
      try {
        return await giveBack(this.parts.pool, deliveries);
      } catch (err) {
        if (!this.parts.holds(first)) return;
        this.parts.logger.warn({ err }, 'deliveries could not be given back; it is tried again');
        await sleep(retryMs);
      }
    }
  }

  /** Tried again while the line's shard is held; undefined when it no longer is. */
  private async untilDone<T>(line: EndpointLine, work: () => Promise<T>): Promise<T | undefined> {
    while (this.isHeld(line)) {
      try {
        return await work();
      } catch (err) {
        this.parts.logger.warn({ err, endpointId: line.endpoint.id }, 'a step of an endpoint is tried again');
        await sleep(retryMs);
      }
    }
    return undefined;
  }

  private async endLines(lines: readonly EndpointLine[], waitMsMax: number): Promise<void> {
    for (const line of lines) line.stop();
    const deadline = performance.now() + waitMsMax;
    while (lines.some((line) => line.inFlight > 0) && performance.now() < deadline) await sleep(10);
    const left = lines.flatMap((line) => line.deliveriesUnderWay);
    if (left.length > 0) await this.giveBack(left);
    await Promise.race([this.results.flush(), sleep(waitMsMax, undefined, { ref: false })]);
    await Promise.race([Promise.all(this.background), sleep(waitMsMax, undefined, { ref: false })]);
  }

  private linesOf(shards: readonly number[]): EndpointLine[] {
    return this.allLines.filter(({ shard }) => shards.includes(shard));
  }

  private inBackground(work: () => Promise<void>): void {
    const running = work().catch((err: unknown) =>
      this.parts.logger.warn({ err }, 'a step of the delivery failed; the next scan makes up for it'),
    );
    this.background.add(running);
    void running.finally(() => this.background.delete(running));
  }
}

/** Changes that were committed so long ago have been read. */
export const changedLatelyMs = 15_000;

function recordOf(failing: FailingEndpoint) {
  const date = (text: string | null) => (text === null ? null : new Date(text));
  return {
    enabledAt: new Date(failing.enabledAt),
    lastSuccessAt: date(failing.lastSuccessAt),
    failures: failing.failures,
    firstFailureAt: date(failing.firstFailureAt),
    lastFailureAt: date(failing.lastFailureAt),
  };
}
