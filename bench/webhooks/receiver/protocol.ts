/** What the benchmark asks the receiver, over the channel between parent and child. */
export type Question =
  | { readonly ask: 'reset' }
  | { readonly ask: 'reset-latency' }
  | { readonly ask: 'snapshot' }
  | { readonly ask: 'compare'; readonly inboxes: readonly string[]; readonly eventIds: readonly string[] };

export interface Snapshot {
  /** Milliseconds since 1970, when it was taken. */
  readonly at: number;
  /** By the name in the endpoint's path. */
  readonly inboxes: Readonly<Record<string, InboxCount>>;
  /** From the event's occurredAt to its first arrival; of the endpoints that answer, since the last reset. */
  readonly latencyMs: LatencyMs | undefined;
  /** Requests that were no webhooks. */
  readonly unreadable: number;
  readonly connections: number;
  /** The share of the time since the last reset in which the receiver had something to do. */
  readonly busy: number;
}

export interface InboxCount {
  readonly requests: number;
  /** Different webhook-ids. */
  readonly events: number;
  readonly bodyBytes: number;
  /** When the last event came that had not come before; 0: none yet. */
  readonly lastNewAt: number;
}

export interface LatencyMs {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** Of all inboxes that were compared, added up. */
export interface Comparison {
  /** Events that an inbox should have and has not. */
  readonly lost: number;
  /** Events that an inbox has and nobody posted. */
  readonly invented: number;
  /** Requests beyond the first with the same webhook-id. */
  readonly duplicates: number;
}

export interface Numbered<Content> {
  readonly number: number;
  readonly content: Content;
}
