import { setTimeout as sleep } from 'node:timers/promises';
import { eventIdOf } from '#contracts';
import type { SecretBox } from '#platform';
import { AdaptiveConcurrency } from './adaptive-concurrency.js';
import {
  isSuccess,
  type AttemptOutcome,
  type AttemptTarget,
  type WebhookMessage,
} from './attempt-outcome.js';
import { CircuitBreaker, type Admission } from './circuit-breaker.js';
import type { ClaimedDelivery, DeliveryEndpoint, DeliveryResult } from './delivery-endpoint.js';
import type { EventBody } from './event-bodies.js';
import { RateLimit } from './rate-limit.js';
import { anyDay, type LedgerEndpoint } from './scan-shards.js';
import { dayAfter } from '../retention/days.js';
import type { verdictOf } from './verdict.js';

/** A claimed delivery with what is needed to send it. */
export interface ReadyDelivery {
  readonly delivery: ClaimedDelivery;
  /** Null where the event is gone: dropped by age. */
  readonly body: EventBody | null;
  readonly skipped: readonly string[];
}

/** What a line needs of the engine that it belongs to. */
export interface LineSurroundings {
  send(target: AttemptTarget, message: WebhookMessage): Promise<AttemptOutcome>;
  /** Whether one more attempt may begin now, of an endpoint that has so many under way. */
  mayStart(line: EndpointLine): boolean;
  /** So many more, or fewer, are claimed and wait here. */
  onWaiting(change: number): void;
  onStarted(): void;
  onEnded(line: EndpointLine, outcome: AttemptOutcome): void;
  addResult(result: DeliveryResult): void;
  giveBack(deliveries: readonly ClaimedDelivery[]): void;
  onGone(line: EndpointLine): void;
  /** There is room for more: it may want to claim. */
  wantMore(line: EndpointLine): void;
  readonly secretBox: Pick<SecretBox, 'open'>;
  readonly verdict: typeof verdictOf;
  readonly nowMs: () => number;
}

/** Claimed ahead of sending, for each attempt that may be under way; more while the endpoint runs dry. */
const aheadPerAttempt = 4;
const aheadMax = 500;
/** Of what a second allows, as much is claimed ahead. */
const aheadRateShare = 0.25;
const outOfOrderHeader = 'x-webhook-out-of-order';

/**
 * What is being done for one endpoint by the one process that holds its shard: what was claimed and waits to be
 * sent, what is under way, and the endpoint's breaker, rate and concurrency. A line waits for nothing but its own
 * endpoint, so that a slow one slows no other.
 */
export class EndpointLine {
  readonly breaker: CircuitBreaker;
  /** Of the due work that may be there: null when nothing is known to be, else from when on. */
  dueFromMs: number | null = 0;
  /** Something later may be pending of which nobody has told. */
  isProbeNeeded = true;
  /** What is due is mostly of today and yesterday; when a probe finds something else, all days are claimed from. */
  fromDay = anyDay;
  isClaiming = false;
  inFlight = 0;
  private readonly concurrency: AdaptiveConcurrency;
  private readonly rate: RateLimit;
  private readonly waiting: ReadyDelivery[] = [];
  private readonly underWay = new Set<ClaimedDelivery>();
  private ahead: number;
  private target: { readonly target: AttemptTarget; readonly untilMs: number } | undefined;
  private rateTimer: NodeJS.Timeout | undefined;
  private isEnded = false;
  /** It said so, and is being disabled: nothing more is sent to it. */
  private isGone = false;

  constructor(
    public endpoint: DeliveryEndpoint,
    readonly term: number,
    private readonly surroundings: LineSurroundings,
  ) {
    const { nowMs } = surroundings;
    this.breaker = new CircuitBreaker(nowMs);
    this.concurrency = new AdaptiveConcurrency(endpoint.maxConcurrency, nowMs);
    this.rate = new RateLimit(endpoint.rateLimitPerSecond, nowMs);
    this.ahead = aheadPerAttempt * endpoint.maxConcurrency;
  }

  get shard(): number {
    return this.endpoint.shard;
  }

  /** By what statements find its deliveries. */
  get ofLedger(): LedgerEndpoint {
    return { endpointId: this.endpoint.id, ledgerId: this.endpoint.ledgerId };
  }

  private get isSending(): boolean {
    return this.endpoint.isEnabled && !this.isGone;
  }

  get isOpen(): boolean {
    return this.breaker.isOpen;
  }

  change(endpoint: DeliveryEndpoint): void {
    const isReenabled = endpoint.isEnabled && !this.endpoint.isEnabled;
    this.endpoint = endpoint;
    this.isGone = false;
    this.target = undefined;
    this.concurrency.changeMax(endpoint.maxConcurrency);
    this.rate.change(endpoint.rateLimitPerSecond);
    if (isReenabled) this.expect(0);
    if (!endpoint.isEnabled) this.giveBackWaiting();
    this.pump();
  }

  /** There is, or will be, something due. */
  expect(fromMs: number): void {
    if (this.dueFromMs === null || fromMs < this.dueFromMs) this.dueFromMs = fromMs;
  }

  /** How many deliveries it would claim now. */
  get wanted(): number {
    const now = this.surroundings.nowMs();
    if (this.isEnded || this.isClaiming || !this.isSending) return 0;
    if (this.dueFromMs === null || this.dueFromMs > now) return 0;
    if (this.isOpen) {
      const from = this.breaker.admitsFromMs;
      return from !== null && from <= now && this.waiting.length === 0 ? 1 : 0;
    }
    const { rateLimitPerSecond } = this.endpoint;
    const rated = rateLimitPerSecond === null ? aheadMax : Math.ceil(rateLimitPerSecond * aheadRateShare);
    const room = Math.min(this.ahead, rated, aheadMax) - this.waiting.length;
    // Few at a time would be a statement for each.
    return room * 2 >= Math.min(this.ahead, rated) || this.waiting.length === 0 ? Math.max(room, 1) : 0;
  }

  /** What a claim brought; fewer than asked for means that nothing else is due now. */
  accept(ready: readonly ReadyDelivery[], asked: number): void {
    if (this.isEnded) return this.surroundings.giveBack(ready.map(({ delivery }) => delivery));
    if (ready.length < asked) {
      this.isProbeNeeded = true;
      this.fromDay = dayAfter(Date.now(), -1);
    } else {
      this.expect(0);
      if (this.waiting.length === 0 && !this.isOpen) this.ahead = Math.min(this.ahead * 2, aheadMax);
    }
    this.waiting.push(...ready);
    this.surroundings.onWaiting(ready.length);
    this.pump();
  }

  /** Sends what may be sent now. */
  pump(): void {
    while (this.waiting.length > 0 && !this.isEnded) {
      if (!this.isSending) return this.giveBackWaiting();
      if (this.inFlight >= this.concurrency.limit || !this.surroundings.mayStart(this)) break;
      const admission = this.breaker.admit();
      if (admission === null) return this.giveBackWaiting();
      if (!this.rate.take()) {
        this.breaker.release(admission);
        this.pumpAfter(this.rate.waitMs);
        break;
      }
      const next = this.waiting.shift();
      if (next === undefined) break;
      this.surroundings.onWaiting(-1);
      void this.attempt(next, admission);
    }
    if (this.wanted > 0) this.surroundings.wantMore(this);
  }

  /** No further attempts. What waits is given back; what is under way ends by itself. */
  stop(): void {
    this.isEnded = true;
    clearTimeout(this.rateTimer);
    this.giveBackWaiting();
  }

  /** Its shard is another's now, who has made due again what was here. */
  drop(): void {
    this.isEnded = true;
    clearTimeout(this.rateTimer);
    this.surroundings.onWaiting(-this.waiting.length);
    this.waiting.length = 0;
  }

  get deliveriesUnderWay(): readonly ClaimedDelivery[] {
    return [...this.underWay];
  }

  private async attempt(ready: ReadyDelivery, admission: Admission): Promise<void> {
    const { delivery } = ready;
    const { surroundings } = this;
    const at = new Date();
    const startedAtMs = surroundings.nowMs();
    this.inFlight++;
    this.underWay.add(delivery);
    surroundings.onStarted();
    const outcome = await this.send(ready);
    this.inFlight--;
    this.underWay.delete(delivery);
    surroundings.onEnded(this, outcome);
    this.concurrency.record(outcome, startedAtMs);
    this.settle(ready, admission, outcome, at);
    if (this.isOpen) this.giveBackWaiting();
    this.pump();
  }

  private async send({ delivery, body, skipped }: ReadyDelivery): Promise<AttemptOutcome> {
    try {
      const target = this.currentTarget();
      if (body === null) return notSent;
      const isOutOfOrder = delivery.isManual && this.endpoint.isOrdered;
      const message = {
        id: eventIdOf(delivery.eventId),
        body: body.bodyFor(this.endpoint.ownerId, skipped),
      };
      return await this.surroundings.send(
        isOutOfOrder ? { ...target, headers: { ...target.headers, [outOfOrderHeader]: 'true' } } : target,
        message,
      );
    } catch {
      // A secret that can't be opened, or data that can't be shown: the receiver is not to blame.
      await sleep(failedHereMs);
      return notSent;
    }
  }

  private settle(ready: ReadyDelivery, admission: Admission, outcome: AttemptOutcome, at: Date): void {
    const { delivery, skipped } = ready;
    const attempts = delivery.attempts - delivery.scheduleFrom + 1;
    const verdict =
      ready.body === null
        ? ({ next: 'exhausted' } as const)
        : this.surroundings.verdict(outcome, attempts, Math.random);
    if (verdict.next === 'interrupted') {
      this.breaker.release(admission);
      this.surroundings.giveBack([delivery]);
      this.expect(this.surroundings.nowMs());
      return;
    }
    this.breaker.record(admission, isSuccess(outcome));
    const waitMs = verdict.next === 'retry' && this.endpoint.isEnabled ? verdict.waitMs : null;
    this.surroundings.addResult({
      delivery,
      isOrdered: this.endpoint.isOrdered,
      status: statusAfter(verdict.next, this.endpoint.isEnabled),
      waitMs,
      at,
      durationMs: outcome.durationMs,
      statusCode: outcome.statusCode,
      errorClass: outcome.errorClass,
      responseBody: outcome.responseBody,
      skipped,
    });
    if (waitMs !== null) this.expect(this.surroundings.nowMs() + waitMs);
    if (verdict.next !== 'gone') return;
    this.isGone = true;
    this.surroundings.onGone(this);
  }

  /** With the secrets of now: the one before the last signs until its time is over. */
  private currentTarget(): AttemptTarget {
    const now = Date.now();
    if (this.target !== undefined && now < this.target.untilMs) return this.target.target;
    const { id, url, headers, legacySignatureHeader, secret, previousSecret, previousSecretUntil } =
      this.endpoint;
    const { secretBox } = this.surroundings;
    const previousUntilMs = previousSecretUntil?.getTime() ?? 0;
    const isPreviousGood = previousSecret !== null && previousUntilMs > now;
    const secrets = [
      secretBox.open(secret, id),
      ...(isPreviousGood ? [secretBox.open(previousSecret, id)] : []),
    ];
    const target = { endpointId: id, url, headers, legacySignatureHeader, secrets };
    this.target = { target, untilMs: isPreviousGood ? previousUntilMs : Infinity };
    return target;
  }

  private giveBackWaiting(): void {
    if (this.waiting.length === 0) return;
    this.ahead = aheadPerAttempt * this.endpoint.maxConcurrency;
    this.surroundings.onWaiting(-this.waiting.length);
    this.surroundings.giveBack(this.waiting.splice(0).map(({ delivery }) => delivery));
    this.expect(this.surroundings.nowMs());
  }

  private pumpAfter(waitMs: number): void {
    clearTimeout(this.rateTimer);
    this.rateTimer = setTimeout(() => this.pump(), waitMs);
  }
}

const failedHereMs = 100;

function statusAfter(next: 'succeeded' | 'exhausted' | 'gone' | 'retry', isEnabled: boolean) {
  if (next === 'gone') return 'failed';
  if (next !== 'retry') return next;
  return isEnabled ? 'pending' : 'cancelled';
}

const notSent: AttemptOutcome = {
  statusCode: null,
  errorClass: 'invalid_request',
  durationMs: 0,
  responseBody: null,
  retryAfterSeconds: null,
  requestHeaders: {},
};
