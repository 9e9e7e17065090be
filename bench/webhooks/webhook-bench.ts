import { setTimeout as sleep } from 'node:timers/promises';
import { LedgerApi } from '../transfers/ledger-api.js';
import { Load, type Tally, type Traffic } from '../transfers/load.js';
import type { StartedProduct } from '../transfers/product.js';
import { accepted } from '../transfers/scenario.js';
import { transfers } from '../transfers/transfers.js';
import type { WebhookBenchSettings } from './config.js';
import type { ReceiverProcess } from './receiver-process.js';
import type { Comparison, Snapshot } from './receiver/protocol.js';
import { WebhookApi } from './webhook-api.js';

const ARRIVAL_POLL_MS = 50;
/** A repeat comes after the last new event, if it comes. */
const REPEATS_MS = 3_000;

/** Events that were posted, and what became of them at every endpoint that answers. */
export interface Arrival extends Comparison {
  readonly posted: Posted;
  /** Events that the journal holds. */
  readonly events: number;
  readonly endpoints: number;
  readonly unreadable: number;
  readonly meanBodyBytes: number;
  /** When the last new event came to one of them; milliseconds since 1970. */
  readonly lastNewAt: number;
  /** Nothing is missing and nothing was made up. Repeats are allowed and counted. */
  readonly isComplete: boolean;
}

export interface Posted {
  readonly accepted: number;
  readonly unknownOutcomes: number;
  /** Everything else by its code or failure. */
  readonly refused: Readonly<Record<string, number>>;
}

/** The running product, the receiver, and what every scenario does with them. */
export class WebhookBench {
  private readonly ledger: LedgerApi;
  private readonly webhooks: WebhookApi;
  private loads = 0;
  private load: Load | undefined;

  constructor(
    readonly settings: WebhookBenchSettings,
    readonly product: StartedProduct,
    readonly receiver: ReceiverProcess,
    private readonly accountIds: readonly string[],
    private readonly run: string,
    readonly stop: AbortSignal,
  ) {
    this.ledger = new LedgerApi(product);
    this.webhooks = new WebhookApi(product);
    stop.addEventListener('abort', () => this.load?.abort());
  }

  /** Registers an endpoint per name for the time of the work; `positionBefore` is where the journal stands then. */
  async withEndpoints<Result>(
    names: readonly string[],
    work: (positionBefore: number) => Promise<Result>,
  ): Promise<Result> {
    await this.receiver.reset();
    const ids: string[] = [];
    const removeAll = async (): Promise<void> => {
      for (let id = ids.pop(); id !== undefined; id = ids.pop()) await this.webhooks.remove(id);
    };
    try {
      for (const name of names) {
        this.stop.throwIfAborted();
        ids.push(await this.webhooks.register(this.receiver.url(name), this.settings.maxConcurrency));
      }
      const result = await work(await this.ledger.headPosition());
      // One that stayed would get the next scenario's events, under the same name.
      await removeAll();
      return result;
    } finally {
      await removeAll().catch(() => undefined);
    }
  }

  /** Posts transfers: as many as the connections take, or at a rate; without end, or so many. */
  post({ ratePerSecond, events }: { ratePerSecond?: number; events?: number } = {}): Load {
    this.loads += 1;
    const { apiKey, url } = this.product;
    const traffic = transfers('uniform', this.accountIds, apiKey, `${this.run}-${this.loads}`);
    const limited = events === undefined ? traffic : limitedTo(events, traffic);
    this.load = new Load(url, this.settings.connections, limited, 201, ratePerSecond);
    return this.load;
  }

  async pause(seconds: number): Promise<void> {
    await sleep(seconds * 1000, undefined, { signal: this.stop });
  }

  /** Waits until everything that the journal holds since the position has come to each inbox, then compares. */
  async arrival(
    inboxes: readonly string[],
    positionBefore: number,
    tallies: readonly Tally[],
  ): Promise<Arrival> {
    const eventIds = await this.webhooks.eventIdsAfter(positionBefore);
    await this.untilReceived(inboxes, eventIds.length, this.settings.arrivalSeconds);
    await this.pause(REPEATS_MS / 1000);
    const snapshot = await this.receiver.snapshot();
    const comparison = await this.receiver.compare(inboxes, eventIds);
    const posted = postedOf(tallies);
    const isJournalRight =
      eventIds.length >= posted.accepted && eventIds.length <= posted.accepted + posted.unknownOutcomes;
    const counts = inboxes.flatMap((name) => snapshot.inboxes[name] ?? []);
    const requests = counts.reduce((sum, count) => sum + count.requests, 0);
    return {
      ...comparison,
      posted,
      events: eventIds.length,
      endpoints: inboxes.length,
      unreadable: snapshot.unreadable,
      meanBodyBytes: counts.reduce((sum, count) => sum + count.bodyBytes, 0) / Math.max(1, requests),
      lastNewAt: lastNewAt(snapshot, inboxes),
      isComplete:
        isJournalRight && comparison.lost === 0 && comparison.invented === 0 && snapshot.unreadable === 0,
    };
  }

  /** Returns when each inbox has that many events, or after the limit. */
  async untilReceived(inboxes: readonly string[], events: number, limitSeconds: number): Promise<Snapshot> {
    for (const deadline = Date.now() + limitSeconds * 1000; ; await this.pause(ARRIVAL_POLL_MS / 1000)) {
      const snapshot = await this.receiver.snapshot();
      const hasAll = inboxes.every((name) => (snapshot.inboxes[name]?.events ?? 0) >= events);
      if (hasAll || Date.now() > deadline) return snapshot;
    }
  }
}

export function received({ inboxes }: Snapshot, names: readonly string[]): number {
  return names.reduce((sum, name) => sum + (inboxes[name]?.events ?? 0), 0);
}

export function lastNewAt({ inboxes }: Snapshot, names: readonly string[]): number {
  return names.reduce((latest, name) => Math.max(latest, inboxes[name]?.lastNewAt ?? 0), 0);
}

function postedOf(tallies: readonly Tally[]): Posted {
  const refused: Record<string, number> = {};
  const add = (what: string, count: number): void => {
    if (count > 0) refused[what] = (refused[what] ?? 0) + count;
  };
  for (const { refusals, failures } of tallies) {
    for (const [code, count] of refusals) add(code, count);
    for (const [failure, count] of Object.entries(failures)) add(failure, count);
  }
  return {
    accepted: tallies.reduce((sum, tally) => sum + accepted(tally), 0),
    unknownOutcomes: tallies.reduce((sum, { unknownOutcomes }) => sum + unknownOutcomes, 0),
    refused,
  };
}

function limitedTo(events: number, traffic: Traffic): Traffic {
  let left = events;
  return {
    next() {
      left -= 1;
      return left < 0 ? undefined : traffic.next();
    },
  };
}
