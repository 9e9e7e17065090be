import type { Refusal } from '#domain';
import { requestIdentity, type EarlierRequest } from './earlier-requests.js';
import type { BatchOutcome, CommittedEvent, Outcome, WriteRequest } from './write-request.js';

/** A request under an idempotency key; what makes it another one is the hash. */
export interface KeyedRequest {
  readonly owner: string;
  readonly key: string;
  readonly requestHash: Buffer;
}

/**
 * The key by which a request is answered again and which it uses up. Null where it has none, and of a dry run, whose
 * key would be for another request: the one that is meant.
 */
export function ownKeyOf(request: WriteRequest): KeyedRequest | null {
  return request.isDryRun ? null : keyOf(request.owner, request);
}

/** The key that a request or an item came with; null where it came with none. */
export function keyOf(
  owner: string,
  { idempotencyKey: key, requestHash }: Pick<WriteRequest, 'idempotencyKey' | 'requestHash'>,
): KeyedRequest | null {
  return key === null || !requestHash ? null : { owner, key, requestHash };
}

const keyReused: Refusal = {
  code: 'idempotency_key_reused',
  message: 'this Idempotency-Key was used for another request',
  path: null,
};

/**
 * Requests that used up their keys: before the batch of a lane, and in the course of it. An overlay sees its base and
 * keeps what is added to it apart.
 */
export class SeenRequests {
  private readonly added = new Map<string, EarlierRequest>();

  constructor(private readonly base: { get(identity: string): EarlierRequest | undefined }) {}

  overlay(): SeenRequests {
    return new SeenRequests(this);
  }

  get(identity: string): EarlierRequest | undefined {
    return this.added.get(identity) ?? this.base.get(identity);
  }

  /** What a repeated command gets; null where its key is free. */
  outcomeOf(request: KeyedRequest): Outcome | null {
    const earlier = this.get(requestIdentity(request.owner, request.key));
    if (!earlier) return null;
    if (earlier.kind !== 'command' || !earlier.requestHash.equals(request.requestHash)) {
      return { accepted: false, refusal: keyReused };
    }
    return { accepted: true, isReplay: true, isDryRun: false, events: earlier.readEvents() };
  }

  /** What a repeated batch gets; null where its key is free. */
  batchOutcomeOf(request: KeyedRequest): BatchOutcome | null {
    const earlier = this.get(requestIdentity(request.owner, request.key));
    if (!earlier) return null;
    if (earlier.kind !== 'batch' || !earlier.requestHash.equals(request.requestHash)) {
      return { accepted: false, refusal: keyReused, index: null, reason: null };
    }
    return { accepted: true, isReplay: true, isDryRun: false, items: earlier.readItems() };
  }

  addCommand({ owner, key, requestHash }: KeyedRequest, events: readonly CommittedEvent[]): void {
    this.added.set(requestIdentity(owner, key), { kind: 'command', requestHash, readEvents: () => events });
  }

  addBatch({ owner, key, requestHash }: KeyedRequest, items: readonly Outcome[]): void {
    this.added.set(requestIdentity(owner, key), { kind: 'batch', requestHash, readItems: () => items });
  }
}
