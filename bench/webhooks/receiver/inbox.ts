import type { Comparison, InboxCount } from './protocol.js';

/** What came to one endpoint: how often each event, by its webhook-id. */
export class Inbox {
  private readonly requestsOf = new Map<string, number>();
  private requests = 0;
  private bodyBytes = 0;
  private lastNewAt = 0;

  /** True when the event had not come before. */
  take(eventId: string, bodyBytes: number, at: number): boolean {
    const before = this.requestsOf.get(eventId) ?? 0;
    this.requestsOf.set(eventId, before + 1);
    this.requests += 1;
    this.bodyBytes += bodyBytes;
    if (before === 0) this.lastNewAt = at;
    return before === 0;
  }

  count(): InboxCount {
    return {
      requests: this.requests,
      events: this.requestsOf.size,
      bodyBytes: this.bodyBytes,
      lastNewAt: this.lastNewAt,
    };
  }

  compare(eventIds: ReadonlySet<string>): Comparison {
    let [lost, invented] = [0, 0];
    for (const id of eventIds) if (!this.requestsOf.has(id)) lost += 1;
    for (const id of this.requestsOf.keys()) if (!eventIds.has(id)) invented += 1;
    return { lost, invented, duplicates: this.requests - this.requestsOf.size };
  }
}
