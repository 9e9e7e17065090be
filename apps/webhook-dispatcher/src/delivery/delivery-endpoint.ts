/** An endpoint as deliveries need it. */
export interface DeliveryEndpoint {
  readonly id: string;
  readonly ledgerId: string;
  readonly shard: number;
  readonly ownerId: string | null;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly legacySignatureHeader: string | null;
  /** Sealed. */
  readonly secret: Buffer;
  readonly previousSecret: Buffer | null;
  readonly previousSecretUntil: Date | null;
  readonly isOrdered: boolean;
  readonly rateLimitPerSecond: number | null;
  readonly maxConcurrency: number;
  /** Neither disabled nor deleted. */
  readonly isEnabled: boolean;
  readonly isDeleted: boolean;
  /** With all its digits: to see whether it has changed. */
  readonly updatedAt: string;
}

/** A delivery that this process has set to `delivering`, under a term of its shard. */
export interface ClaimedDelivery {
  readonly id: string;
  readonly day: string;
  readonly eventId: string;
  readonly endpointId: string;
  readonly ledgerId: string;
  readonly shard: number;
  readonly term: number;
  /** Made before. */
  readonly attempts: number;
  readonly scheduleFrom: number;
  readonly isManual: boolean;
}

/** What one attempt changes. */
export interface DeliveryResult {
  readonly delivery: ClaimedDelivery;
  readonly isOrdered: boolean;
  readonly status: 'succeeded' | 'failed' | 'exhausted' | 'cancelled' | 'pending';
  /** Until the next attempt, where it is pending. */
  readonly waitMs: number | null;
  readonly at: Date;
  readonly durationMs: number;
  readonly statusCode: number | null;
  readonly errorClass: string | null;
  readonly responseBody: string | null;
  /** Ids of events that its body named as skipped. */
  readonly skipped: readonly string[];
}
