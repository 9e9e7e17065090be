import { hostname } from 'node:os';
import type pg from 'pg';
import type { Registry } from 'prom-client';
import type { EventStream } from '#event-stream';
import type { Logger } from '#platform';
import { Intake } from '../intake/intake.js';
import { RecoveryWorker } from '../recovery/recovery-worker.js';
import { Retention } from '../retention/retention.js';
import { deliveryMetrics } from './delivery-metrics.js';
import { changedLatelyMs, DeliveryEngine, type EngineParts } from './engine.js';
import { EventBodies } from './event-bodies.js';
import { ScanLoop } from './scan-loop.js';
import { shardOf } from './shard-of.js';
import { Shards, type ShardSettings } from './shards.js';
import { wakeListener } from './wake-listener.js';

export interface DeliverySettings {
  readonly databaseUrl: string;
  /** What is under way at the end may take so long. */
  readonly drainMsMax?: number;
  readonly scanEveryMs?: number;
  readonly shards?: Partial<ShardSettings>;
}

export interface DeliveryParts extends Pick<EngineParts, 'sender' | 'secretBox'> {
  readonly settings: DeliverySettings;
  /** With `deliverySession`; the event stream uses it as well. */
  readonly pool: pg.Pool;
  readonly registry: Registry;
  readonly logger: Logger;
  readonly eventStream: EventStream;
  /** In tests: another schedule, another clock. */
  readonly verdict?: NonNullable<EngineParts['verdict']>;
  readonly nowMs?: () => number;
}

/**
 * Server settings of the sessions that work deliveries: plans are made once, and a process that stands still in
 * a transaction holds up nobody for long.
 */
export const deliverySession: Readonly<Record<string, string>> = {
  plan_cache_mode: 'force_generic_plan',
  jit: 'off',
  enable_seqscan: 'off',
  enable_bitmapscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
  random_page_cost: '1.1',
  max_parallel_workers_per_gather: '0',
  work_mem: '16MB',
  idle_in_transaction_session_timeout: '5s',
  lock_timeout: '4s',
  statement_timeout: '30s',
};

const drainMsDefault = 8_000;

/**
 * Intake and delivery of this process, until it is stopped: then what is being sent is finished or is due again
 * at once for whoever takes the shards. The sender is still needed while it stops.
 */
export async function startDelivery(parts: DeliveryParts): Promise<{ stop(): Promise<void> }> {
  const { settings, pool, registry, logger, eventStream } = parts;
  const metrics = deliveryMetrics(registry);
  const bodies = new EventBodies();
  const retention = new Retention({ pool, logger });
  await retention.start();

  const shards: Shards = new Shards({
    url: settings.databaseUrl,
    name: `${hostname()}/${process.pid}`,
    logger,
    settings: settings.shards ?? {},
    onTaken: (terms) => engine.take(terms),
    onLost: (lost) => engine.lose(lost),
    onHandOver: (shard) => engine.handOver(shard),
  });
  const engine: DeliveryEngine = new DeliveryEngine({
    ...parts,
    bodies,
    metrics,
    holds: (term) => shards.holds(term),
  });
  const recoveries = new RecoveryWorker({
    pool,
    logger,
    heldTerms: () => engine.heldTerms,
    onDue: (endpointId) => engine.wakeFromStart(endpointId),
  });
  const scan = new ScanLoop({
    pool,
    engine,
    metrics,
    logger,
    shardsHeld: () => shards.count,
    alsoDo: () => recoveries.turn(),
    ...(settings.scanEveryMs === undefined ? {} : { everyMs: settings.scanEveryMs }),
  });
  const warn = (err: unknown) =>
    logger.warn({ err }, 'a changed endpoint could not be read; the scan finds it');
  const listener = wakeListener({
    url: settings.databaseUrl,
    logger,
    onDue: (endpointIds) => engine.wake(endpointIds),
    onEndpointChanged: (endpointId) => {
      engine
        .refresh([shardOf(endpointId)], changedLatelyMs)
        .then(() => recoveries.turn())
        .catch(warn);
    },
  });
  await listener.start();
  shards.start();
  scan.start();
  const intake = new Intake({
    logger,
    metrics,
    isDayMade: (day) => retention.isMade(day),
    onEvents: (events) => events.forEach(({ eventId, value }) => bodies.add(eventId, value)),
  });
  const subscription = await eventStream.subscribe(intake);
  return {
    async stop() {
      await subscription.stop();
      await scan.stop();
      await listener.stop();
      await engine.stop(settings.drainMsMax ?? drainMsDefault);
      await shards.stop();
      await retention.stop();
    },
  };
}
