import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { LRUCache } from 'lru-cache';
import type pg from 'pg';
import { Counter, type Registry } from 'prom-client';
import { RateLimiterMemory, RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible';
import { ApiError } from '#http';
import { createPostgresPool, type Log } from '#platform';
import type { Principal } from './principals.js';

export const rateLimitStores = ['memory', 'postgres'] as const;
export type RateLimitStore = (typeof rateLimitStores)[number];

export interface RateLimitSettings {
  readonly url: string;
  readonly applicationName: string;
  readonly rateLimitStore: RateLimitStore;
  readonly registry: Registry;
  readonly logger: Log['logger'];
}

const windowSeconds = 60;
const connectionsMax = 2;
const answerMsMax = 500;
/** After a failure of the store it is left alone for so long. */
const pauseMs = 1_000;
/** There is a limiter per limit, not per key; the least used ones go when there are more. */
const limitersMax = 1_000;

/**
 * How many requests a key may make in a minute, which begins with the first of them. In memory each process
 * counts by itself; in Postgres all count together, in one unlogged table, and a process that has seen a minute's
 * last request refuses the rest of it without asking. While that store fails, each process counts by itself: a
 * limit still holds per process, requests go on, and log and metric tell of it.
 */
@Injectable()
export class RateLimits implements OnApplicationShutdown {
  private readonly pool: pg.Pool | null;
  private readonly shared = new LRUCache<number, RateLimiterPostgres>({ max: limitersMax });
  private readonly own = new LRUCache<number, RateLimiterMemory>({ max: limitersMax });
  private readonly failures: Counter;
  private pausedUntil = 0;

  constructor(private readonly settings: RateLimitSettings) {
    this.pool = settings.rateLimitStore === 'postgres' ? poolOf(settings) : null;
    // One of all the limiters deletes old rows, every five minutes.
    if (this.pool) sharedLimiter(1, this.pool, { clearExpiredByTimeout: true });
    this.failures = new Counter({
      name: 'rate_limit_store_failures_total',
      help: 'Failures of the shared rate-limit store, after each of which this process counts by itself for a second',
      registers: [settings.registry],
    });
  }

  /**
   * Counts a request of the key, and tells it in the answer's headers. What it gives back is the refusal, if any;
   * for a key without a limit it does nothing and needs no promise. A request that counts nothing is told of alone.
   */
  take(
    { keyId, rateLimitPerMinute }: Pick<Principal, 'keyId' | 'rateLimitPerMinute'>,
    reply: FastifyReply,
    requests: 0 | 1 = 1,
  ): ApiError | undefined | Promise<ApiError | undefined> {
    if (rateLimitPerMinute === null) return undefined;
    return this.count(keyId, rateLimitPerMinute, requests).then(({ isRefused, left, msLeft }) => {
      const secondsLeft = Math.max(1, Math.ceil(msLeft / 1000));
      reply.header('x-ratelimit-limit', rateLimitPerMinute);
      reply.header('x-ratelimit-remaining', left);
      reply.header('x-ratelimit-reset', Math.ceil((Date.now() + msLeft) / 1000));
      return isRefused ? rateLimited(rateLimitPerMinute, secondsLeft) : undefined;
    });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.pool?.end();
  }

  private async count(keyId: string, limit: number, requests: number): Promise<Count> {
    if (this.pool && performance.now() >= this.pausedUntil) {
      try {
        return await countBy(this.sharedLimiter(limit, this.pool), keyId, requests);
      } catch (err) {
        this.pausedUntil = performance.now() + pauseMs;
        this.failures.inc();
        this.settings.logger.error(
          { err },
          'rate limits can not be counted together: each process counts alone',
        );
      }
    }
    return countBy(this.ownLimiter(limit), keyId, requests);
  }

  private sharedLimiter(limit: number, pool: pg.Pool): RateLimiterPostgres {
    const known = this.shared.get(limit);
    if (known) return known;
    const limiter = sharedLimiter(limit, pool, { clearExpiredByTimeout: false });
    this.shared.set(limit, limiter);
    return limiter;
  }

  private ownLimiter(limit: number): RateLimiterMemory {
    const known = this.own.get(limit);
    if (known) return known;
    const limiter = new RateLimiterMemory({ points: limit, duration: windowSeconds });
    this.own.set(limit, limiter);
    return limiter;
  }
}

interface Count {
  readonly isRefused: boolean;
  readonly left: number;
  readonly msLeft: number;
}

/** The library refuses by rejecting with a result, and fails by rejecting with an error. */
async function countBy(
  limiter: RateLimiterMemory | RateLimiterPostgres,
  keyId: string,
  requests: number,
): Promise<Count> {
  try {
    const { remainingPoints, msBeforeNext } = await limiter.consume(keyId, requests);
    return { isRefused: false, left: remainingPoints, msLeft: msBeforeNext };
  } catch (refusal) {
    if (!(refusal instanceof RateLimiterRes)) throw refusal;
    return { isRefused: true, left: 0, msLeft: refusal.msBeforeNext };
  }
}

/** What was consumed is kept by key, whatever the limit; the table is made by a migration. */
function sharedLimiter(points: number, pool: pg.Pool, options: { clearExpiredByTimeout: boolean }) {
  return new RateLimiterPostgres({
    ...options,
    storeClient: pool,
    storeType: 'pool',
    schemaName: 'access',
    tableName: 'rate_limits',
    tableCreated: true,
    keyPrefix: 'key',
    points,
    duration: windowSeconds,
    inMemoryBlockOnConsumed: points,
  });
}

function poolOf({ url, applicationName, logger }: RateLimitSettings): pg.Pool {
  return createPostgresPool({
    url,
    applicationName: `${applicationName}-limits`,
    connectionsMax,
    // Counts that a crash of the database may take back need no waiting for its disk.
    session: { synchronous_commit: 'off', statement_timeout: `${answerMsMax}ms` },
    queryTimeoutMs: answerMsMax,
    onError: (err) => logger.warn({ err }, 'an idle connection of the rate limits was lost'),
  });
}

export function rateLimited(limit: number, retryAfterSeconds: number): ApiError {
  const headers = { 'retry-after': String(retryAfterSeconds) };
  return new ApiError(429, 'rate_limited', `this key may make ${limit} requests a minute`, [], headers);
}
