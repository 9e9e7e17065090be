import { setTimeout as sleep } from 'node:timers/promises';
import type { RunningProduct } from './config.js';

const ANSWER_MS_MAX = 30_000;
const LAG_POLL_MS = 10;

export interface ProjectionLag {
  /** Events that a projection had not yet taken when the last second of the measurement ended. */
  readonly eventsAtEnd: number;
  /** From the last answer of the load until every list showed every transfer; undefined: not within the limit. */
  readonly secondsToZero: number | undefined;
  /** The projections' own gauges at the end. */
  readonly gaugesAtEnd: Readonly<Record<string, number>>;
}

export interface TrialBalanceLine {
  readonly currency: string;
  readonly difference: string;
  readonly accounts: number;
}

/** The few reads that the benchmark asks of the product beside the load. */
export class LedgerApi {
  constructor(private readonly product: RunningProduct) {}

  async headPosition(): Promise<number> {
    const { meta } = await this.get<{ meta: { headPosition: string } }>('/v1/events?after=0&limit=1');
    return Number(meta.headPosition);
  }

  async trialBalance(): Promise<readonly TrialBalanceLine[]> {
    return (await this.get<{ data: TrialBalanceLine[] }>('/v1/trial-balance')).data;
  }

  /** By how many events the slower of the two lists is behind the journal. */
  async lagEvents(accountId: string): Promise<number> {
    const [head, ...lists] = await Promise.all([this.headPosition(), ...this.listPositions(accountId)]);
    return Math.max(0, head - Math.min(...lists));
  }

  /** Seconds until both lists have reached what the journal holds now; undefined: not within the limit. */
  async secondsUntilCaughtUp(accountId: string, limitSeconds: number): Promise<number | undefined> {
    const startedAt = performance.now();
    const elapsed = (): number => (performance.now() - startedAt) / 1000;
    const head = await this.headPosition();
    while (elapsed() < limitSeconds) {
      const askedAt = elapsed();
      const positions = await Promise.all(this.listPositions(accountId));
      if (Math.min(...positions) >= head) return askedAt;
      await sleep(LAG_POLL_MS);
    }
    return undefined;
  }

  /** Gauges of the projections, by their names and labels. */
  async projectionGauges(): Promise<Record<string, number>> {
    const text = await this.getText('/metrics');
    const lines = text
      .split('\n')
      .filter((line) => /^[a-z_]*projection[a-z_]*(lag|behind|parked|dead)/.test(line));
    return Object.fromEntries(
      lines.map((line) => [
        line.slice(0, line.lastIndexOf(' ')),
        Number(line.slice(line.lastIndexOf(' ') + 1)),
      ]),
    );
  }

  private listPositions(accountId: string): Promise<number>[] {
    const list = '?consistency=eventual&page[limit]=1';
    return [`/v1/transactions${list}`, `/v1/accounts/${accountId}/entries${list}`].map(async (path) => {
      const { meta } = await this.get<{ meta: { position: string } }>(path);
      return Number(meta.position);
    });
  }

  private async get<Body>(path: string): Promise<Body> {
    return JSON.parse(await this.getText(path)) as Body;
  }

  private async getText(path: string): Promise<string> {
    const answer = await fetch(new URL(path, this.product.url), {
      headers: { authorization: `Bearer ${this.product.apiKey}` },
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`GET ${path} was answered ${answer.status} ${text.slice(0, 500)}`);
    return text;
  }
}
