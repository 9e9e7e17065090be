import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '#platform';
import type { ClaimedDelivery } from './delivery-endpoint.js';
import type { EndpointLine, ReadyDelivery } from './endpoint-line.js';
import type { EventBodies, EventBody } from './event-bodies.js';
import type { Queryable } from './held-terms.js';
import { readSkipped } from './scan-lanes.js';
import { claimDue, readEventValues } from './scan-shards.js';

export interface ClaimLoopParts {
  readonly pool: Queryable;
  readonly bodies: EventBodies;
  readonly logger: Logger;
  /** Whether the line's shard is still held under its term. */
  readonly isHeld: (line: EndpointLine) => boolean;
  /** No more deliveries should be claimed: as many as may be in memory are. */
  readonly isFull: () => boolean;
}

const linesPerClaimMax = 100;
const retryMs = 200;

/**
 * Claims for all lines that want something, as one statement at a time: each gets what it asked for and no more,
 * whoever else has a backlog, and the busier it is, the more each statement brings.
 */
export class ClaimLoop {
  private readonly wanting = new Set<EndpointLine>();
  private running: Promise<void> | undefined;
  private isStopped = false;

  constructor(private readonly parts: ClaimLoopParts) {}

  want(line: EndpointLine): void {
    if (this.isStopped) return;
    this.wanting.add(line);
    this.running ??= this.run();
  }

  /** Resolves when nothing is being claimed. */
  async stop(): Promise<void> {
    this.isStopped = true;
    this.wanting.clear();
    await this.running;
  }

  private async run(): Promise<void> {
    // Those that are woken at the same moment are claimed for together.
    await Promise.resolve();
    while (this.wanting.size > 0 && !this.isStopped) {
      if (this.parts.isFull()) {
        await sleep(retryMs);
        continue;
      }
      const wishes = this.nextWishes();
      if (wishes.length > 0) await this.claim(wishes);
    }
    this.running = undefined;
  }

  private nextWishes(): { line: EndpointLine; count: number }[] {
    const wishes: { line: EndpointLine; count: number }[] = [];
    for (const line of this.wanting) {
      if (wishes.length === linesPerClaimMax) break;
      this.wanting.delete(line);
      const count = line.wanted;
      if (count > 0 && this.parts.isHeld(line)) wishes.push({ line, count });
    }
    return wishes;
  }

  private async claim(wishes: readonly { line: EndpointLine; count: number }[]): Promise<void> {
    for (const { line } of wishes) {
      line.isClaiming = true;
      // What comes from now on may not be seen by the claim: it is asked for again.
      line.dueFromMs = null;
    }
    try {
      const claimed = await claimDue(
        this.parts.pool,
        wishes.map(({ line, count }) => ({
          ...line.ofLedger,
          shard: line.shard,
          term: line.term,
          count,
          fromDay: line.fromDay,
        })),
      );
      const ready = await this.makeReady(
        claimed,
        wishes.some(({ line }) => line.endpoint.isOrdered),
      );
      for (const { line, count } of wishes) {
        line.isClaiming = false;
        line.accept(ready.get(line.endpoint.id) ?? [], count);
      }
    } catch (err) {
      this.parts.logger.warn(
        { err, endpoints: wishes.length },
        'deliveries could not be claimed; it is tried again',
      );
      for (const { line } of wishes) {
        line.isClaiming = false;
        line.expect(0);
        this.wanting.add(line);
      }
      await sleep(retryMs);
    }
  }

  private async makeReady(claimed: readonly ClaimedDelivery[], mayBeOrdered: boolean) {
    const bodies = await this.bodiesOf(claimed);
    const skipped =
      mayBeOrdered && claimed.length > 0 ? await readSkipped(this.parts.pool, claimed) : undefined;
    const ready = new Map<string, ReadyDelivery[]>();
    for (const delivery of claimed) {
      const one = {
        delivery,
        body: bodies.get(delivery.eventId) ?? null,
        skipped: skipped?.get(delivery.id) ?? [],
      };
      const others = ready.get(delivery.endpointId);
      if (others) others.push(one);
      else ready.set(delivery.endpointId, [one]);
    }
    return ready;
  }

  private async bodiesOf(claimed: readonly ClaimedDelivery[]): Promise<Map<string, EventBody>> {
    const bodies = new Map<string, EventBody>();
    const missing = new Map<string, ClaimedDelivery>();
    for (const delivery of claimed) {
      const body = this.parts.bodies.get(delivery.eventId);
      if (body) bodies.set(delivery.eventId, body);
      else missing.set(delivery.eventId, delivery);
    }
    if (missing.size > 0) {
      const values = await readEventValues(this.parts.pool, [...missing.values()]);
      for (const [eventId, value] of values) bodies.set(eventId, this.parts.bodies.add(eventId, value));
    }
    return bodies;
  }
}
