import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { Registry } from 'prom-client';
import type { LedgerCommand } from '#domain';
import { createPostgresPool } from '#platform';
import { beginJournal } from './begin-journal.js';
import { journalMetrics, type JournalMetrics } from './journal-metrics.js';
import { Lane } from './lane.js';
import { QueuedUnit, type Work } from './queued-unit.js';
import { BatchSettler, type BatchLog } from './settle-batch.js';
import {
  JournalUnavailable,
  type BatchOutcome,
  type ItemBatch,
  type Outcome,
  type WriteRequest,
} from './write-request.js';

export interface JournalSettings {
  readonly url: string;
  readonly connectionsMax: number;
  readonly queueCommandsMax: number;
  readonly queueBytesMax: number;
  /** Of the queue's places, how many one ledger may hold. */
  readonly queueCommandsPerLedgerMax: number;
}

const sweepEveryMs = 200;

/**
 * Limits that keep a frozen or cut-off process from stopping a ledger (but for one in the middle of its events, which
 * end-frozen.ts is for), and planner settings that keep the batch's look-ups by key on their indexes while a young
 * table has no statistics.
 */
const writeSession = {
  idle_in_transaction_session_timeout: '3s',
  lock_timeout: '4s',
  statement_timeout: '8s',
  enable_seqscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
  jit: 'off',
};
const queryTimeoutMs = 9_000;

/**
 * The only writer of the journal. A command that it accepts is on disk, in the journal and in the balances
 * when its promise resolves. The queue is bounded in commands and bytes; full means refused.
 */
export class Journal {
  private readonly pool: pg.Pool;
  private readonly metrics: JournalMetrics;
  private readonly settler: BatchSettler;
  private readonly lanes = new Map<string, Lane>();
  private readonly listeners: ((ledgerId: string) => void)[] = [];
  private readonly sweep: NodeJS.Timeout;
  private isKeptUpWith: (ledgerId: string) => boolean = () => true;
  private queuedCommands = 0;
  private queuedBytes = 0;
  private isDraining = false;

  constructor(
    private readonly settings: JournalSettings,
    registry: Registry,
    private readonly log: BatchLog,
  ) {
    this.pool = createPostgresPool({
      url: settings.url,
      applicationName: 'ledger-write',
      connectionsMax: settings.connectionsMax,
      session: writeSession,
      queryTimeoutMs,
      pipeline: true,
      onError: (err) => log.warn({ err }, 'an idle write connection was lost'),
    });
    this.metrics = journalMetrics(registry, () => this.queuedCommands);
    this.settler = new BatchSettler(
      this.pool,
      this.metrics,
      log,
      (ledgerId) => this.tellCommitted(ledgerId),
      (ledgerId) => this.isKeptUpWith(ledgerId),
    );
    this.sweep = setInterval(() => this.dropExpired(), sweepEveryMs).unref();
  }

  /** Called after each commit with the ledger's id; must not throw or wait. */
  onCommitted(listener: (ledgerId: string) => void): void {
    this.listeners.push(listener);
  }

  /**
   * Batches are decided ahead of their turn only while this says of their ledger that those who follow its journal keep
   * up; must not throw or wait.
   */
  decideAheadWhile(isKeptUpWith: (ledgerId: string) => boolean): void {
    this.isKeptUpWith = isKeptUpWith;
  }

  /**
   * Decides a command and writes what follows from it.
   * @throws JournalUnavailable where it wasn't decided, or its outcome couldn't be found out in time.
   */
  submit(request: WriteRequest, command: LedgerCommand): Promise<Outcome> {
    return this.queue<Outcome>(request, { kind: 'command', command });
  }

  /**
   * The same for a batch: its items are decided one after the other, with nothing in between, and what follows
   * from all of them is in one commit.
   */
  submitBatch(request: WriteRequest, batch: ItemBatch): Promise<BatchOutcome> {
    return this.queue<BatchOutcome>(request, { kind: 'batch', batch });
  }

  /** Begins a ledger's journal; does nothing where it has one. */
  async createLedger(ledgerId: string): Promise<void> {
    await beginJournal(this.pool, ledgerId);
  }

  /**
   * Takes no more commands, settles those that wait, closes the connections: all of it within the limit. What
   * still waits then is given up; a batch in flight is left to itself.
   */
  async drain(limitMs: number): Promise<void> {
    this.isDraining = true;
    const deadlineAt = performance.now() + limitMs;
    while ([...this.lanes.values()].some((lane) => !lane.isIdle) && performance.now() < deadlineAt) {
      await sleep(5);
    }
    clearInterval(this.sweep);
    const shuttingDown = new JournalUnavailable('unavailable', 'the service is shutting down');
    for (const lane of this.lanes.values()) lane.abandon(shuttingDown);
    const leftMs = Math.max(0, deadlineAt - performance.now());
    await Promise.race([this.pool.end(), sleep(leftMs, undefined, { ref: false })]);
  }

  /** A unit is settled with the outcome of its kind of work. */
  private queue<Settled extends Outcome | BatchOutcome>(request: WriteRequest, work: Work): Promise<Settled> {
    return new Promise((resolve, reject) => {
      if (this.isDraining) {
        return reject(new JournalUnavailable('unavailable', 'the service is shutting down'));
      }
      const unit = new QueuedUnit(request, work, (outcome) => resolve(outcome as Settled), reject);
      const lane = this.lane(request.ledgerId);
      if (this.isFull(lane, unit)) {
        this.metrics.refusedByQueue.inc();
        return reject(new JournalUnavailable('overloaded', 'too many requests are waiting'));
      }
      this.queuedCommands += unit.commands;
      this.queuedBytes += request.bytes;
      lane.add(unit);
    });
  }

  private tellCommitted(ledgerId: string): void {
    for (const listener of this.listeners) {
      try {
        listener(ledgerId);
      } catch (err) {
        // What is committed is answered as such all the same, and what was decided ahead goes on.
        this.log.error({ ledgerId, err }, 'who is told of commits failed');
      }
    }
  }

  private lane(ledgerId: string): Lane {
    const known = this.lanes.get(ledgerId);
    if (known) return known;
    const lane = new Lane(
      (units, behind, ahead) => this.settler.settle(ledgerId, units, behind, ahead),
      (units) => {
        for (const { request, commands } of units) {
          this.queuedCommands -= commands;
          this.queuedBytes -= request.bytes;
        }
      },
    );
    this.lanes.set(ledgerId, lane);
    return lane;
  }

  /** A queue in which nothing waits takes any unit, so that a batch larger than a share is not refused for ever. */
  private isFull(lane: Lane, { commands, request }: QueuedUnit): boolean {
    const { queueCommandsMax, queueCommandsPerLedgerMax, queueBytesMax } = this.settings;
    return (
      isOver(this.queuedCommands, commands, queueCommandsMax) ||
      isOver(lane.depth, commands, queueCommandsPerLedgerMax) ||
      this.queuedBytes + request.bytes > queueBytesMax
    );
  }

  private dropExpired(): void {
    for (const [ledgerId, lane] of this.lanes) {
      lane.dropExpired();
      if (lane.isIdle) this.lanes.delete(ledgerId);
    }
  }
}

function isOver(waiting: number, added: number, most: number): boolean {
  return waiting > 0 && waiting + added > most;
}
