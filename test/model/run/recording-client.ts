/** Sends requests and keeps every one with its answer, in the order in which they began and ended. */
import type { LoggedCall } from '../check/call-log.js';
import { withQuery, type Client } from '../../support/client.js';
import type { Request } from './resolve.js';

export class CallLog {
  readonly calls: LoggedCall[] = [];
  private ticks = 0;

  constructor(private readonly client: Client) {}

  async send(number: number, request: Request): Promise<LoggedCall> {
    const { method, path, query = {}, body, key = null, ifMatch = null } = request;
    const startedAt = this.tick();
    const answer = await this.client.send(method, withQuery(path, query), {
      ...(body === undefined ? {} : { body }),
      ...(key === null ? {} : { key }),
      ...(ifMatch === null ? {} : { headers: { 'if-match': ifMatch } }),
    });
    const call: LoggedCall = {
      client: number,
      startedAt,
      endedAt: this.tick(),
      method,
      path,
      query,
      body,
      key,
      ifMatch,
      status: answer.status,
      text: answer.text,
      isReplayed: answer.headers['idempotency-replayed'] === 'true',
      entityTag: answer.headers.etag ?? null,
    };
    this.calls.push(call);
    return call;
  }

  private tick(): number {
    this.ticks += 1;
    return this.ticks;
  }
}
