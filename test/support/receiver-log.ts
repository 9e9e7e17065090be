import { hash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';

interface ReceivedEvent {
  readonly id: string;
  readonly data: {
    readonly id: string;
    readonly version?: number;
    readonly balances?: readonly { readonly accountId: string; readonly version: number }[];
  };
  readonly type: string;
}

/** `hold`: no answer until `release`; the connection stays. */
export type AnswerTo = (endpoint: string, eventId: string) => number | 'hold';

export interface ReceiverLogOptions {
  /** Each answer takes so long, so that a second sender of the same event would be seen. */
  readonly delayMs?: number;
}

/** What one endpoint has received. */
export class ReceivedLog {
  /** Event ids in the order of their first arrival. */
  readonly ids = new Set<string>();
  /** Events of which a try was answered with 2xx. */
  readonly accepted = new Set<string>();
  repeats = 0;
  /** Times that an event came while an earlier try of it was still unanswered. */
  atOnce = 0;
  /** Signatures that `standardwebhooks` refuses, and repeats whose body is another one. */
  readonly wrong: string[] = [];
  /** Versions of accounts that did not come as the successor of the one before. */
  readonly outOfOrder: string[] = [];
  readonly firstAtMs = new Map<string, number>();
  readonly underWay = new Map<string, number>();
  private readonly digests = new Map<string, string>();
  private readonly versions = new Map<string, number>();
  private readonly verifier: Webhook;

  constructor(secret: string) {
    this.verifier = new Webhook(secret);
  }

  /** The id of the event, or null where the request is none of ours. */
  receive(headers: IncomingMessage['headers'], body: string): string | null {
    try {
      this.verifier.verify(body, headers as Record<string, string>);
    } catch (error) {
      this.wrong.push(`${String(headers['webhook-id'])}: ${String(error)}`);
      return null;
    }
    const event = JSON.parse(body) as ReceivedEvent;
    if (event.id !== headers['webhook-id']) this.wrong.push(`${event.id}: its header names another`);
    const digest = hash('sha1', body);
    if (this.ids.has(event.id)) {
      this.repeats++;
      if (this.digests.get(event.id) !== digest) this.wrong.push(`${event.id}: its repeat is another body`);
      return event.id;
    }
    this.ids.add(event.id);
    this.digests.set(event.id, digest);
    this.firstAtMs.set(event.id, performance.now());
    this.checkOrder(event);
    return event.id;
  }

  begin(eventId: string): void {
    const tries = this.underWay.get(eventId) ?? 0;
    if (tries > 0) this.atOnce++;
    this.underWay.set(eventId, tries + 1);
  }

  end(eventId: string): void {
    const tries = (this.underWay.get(eventId) ?? 1) - 1;
    if (tries > 0) this.underWay.set(eventId, tries);
    else this.underWay.delete(eventId);
  }

  private checkOrder({ id, type, data }: ReceivedEvent): void {
    const opened = type === 'account.opened' ? [{ accountId: data.id, version: data.version ?? 1 }] : [];
    for (const { accountId, version } of [...opened, ...(data.balances ?? [])]) {
      const before = this.versions.get(accountId);
      // System accounts have no lanes.
      if (!accountId.startsWith('acc_')) continue;
      if (version !== (before ?? 0) + 1) this.outOfOrder.push(`${id}: ${accountId} ${before} → ${version}`);
      this.versions.set(accountId, Math.max(version, before ?? 0));
    }
  }
}

/** A receiver for many endpoints, one per path, that logs every event and verifies every signature. */
export class ReceiverLog {
  /** Until told otherwise. */
  answerTo: AnswerTo = () => 200;
  private readonly logs = new Map<string, ReceivedLog>();
  private readonly held: ((status: number) => void)[] = [];

  private constructor(
    private readonly server: Server,
    private readonly origin: string,
    private readonly delayMs: number,
  ) {}

  static async start({ delayMs = 0 }: ReceiverLogOptions = {}): Promise<ReceiverLog> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const log = new ReceiverLog(server, origin, delayMs);
    server.on('request', (request, response) => log.take(request, response));
    return log;
  }

  urlOf(endpoint: string): string {
    return `${this.origin}/${endpoint}`;
  }

  /** To be called before its first event: from then on its secret is known here. */
  add(endpoint: string, secret: string): ReceivedLog {
    const log = new ReceivedLog(secret);
    this.logs.set(endpoint, log);
    return log;
  }

  get all(): readonly ReceivedLog[] {
    return [...this.logs.values()];
  }

  get heldCount(): number {
    return this.held.length;
  }

  /** Answers all that is held. */
  release(status: number): void {
    for (const answer of this.held.splice(0)) answer(status);
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }

  private take(request: IncomingMessage, response: ServerResponse): void {
    const endpoint = (request.url ?? '').slice(1);
    const chunks: Buffer[] = [];
    request.on('error', () => undefined);
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const log = this.logs.get(endpoint);
      const eventId = log?.receive(request.headers, Buffer.concat(chunks).toString('utf8')) ?? null;
      if (!log || eventId === null) return void response.writeHead(400).end();
      log.begin(eventId);
      response.on('close', () => log.end(eventId));
      const answer = (status: number) => {
        if (status < 300) log.accepted.add(eventId);
        response.writeHead(status).end();
      };
      const planned = this.answerTo(endpoint, eventId);
      if (planned === 'hold') this.held.push(answer);
      else if (this.delayMs > 0) setTimeout(answer, this.delayMs, planned);
      else answer(planned);
    });
  }
}
