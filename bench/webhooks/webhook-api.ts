import type { RunningProduct } from '../transfers/config.js';

const ANSWER_MS_MAX = 30_000;
const EVENTS_PAGE = 1_000;

interface JournalEvent {
  readonly id: string;
}

interface EventPage {
  readonly data: readonly JournalEvent[];
  readonly meta: { readonly nextAfter: string; readonly headPosition: string };
}

/** What the benchmark asks of the product about webhooks, through the ledger's address as any client would. */
export class WebhookApi {
  constructor(private readonly product: RunningProduct) {}

  /** Returns the endpoint's id. It gets the transactions that are posted from now on. */
  async register(url: string, maxConcurrency: number): Promise<string> {
    const body = { url, eventTypes: ['transaction.posted'], maxConcurrency };
    const { data } = await this.call<{ data: { id: string } }>('POST', '/v1/webhook-endpoints', body);
    return data.id;
  }

  async remove(endpointId: string): Promise<void> {
    await this.call('DELETE', `/v1/webhook-endpoints/${endpointId}`);
  }

  /** The ids of all events that the journal holds after the position. */
  async eventIdsAfter(position: number): Promise<string[]> {
    const ids: string[] = [];
    for (let after = String(position); ;) {
      const page = await this.call<EventPage>('GET', `/v1/events?after=${after}&limit=${EVENTS_PAGE}`);
      for (const { id } of page.data) ids.push(id);
      if (page.meta.nextAfter === page.meta.headPosition) return ids;
      after = page.meta.nextAfter;
    }
  }

  private async call<Body>(method: string, path: string, body?: object): Promise<Body> {
    const answer = await fetch(new URL(path, this.product.url), {
      method,
      headers: {
        authorization: `Bearer ${this.product.apiKey}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path} was answered ${answer.status} ${text.slice(0, 500)}`);
    return (text === '' ? undefined : JSON.parse(text)) as Body;
  }
}
