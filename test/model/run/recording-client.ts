/** Sends requests and keeps every one with its answer, in the order in which they began and ended. */
import type { LoggedCall } from '../check/call-log.js';
import { withQuery, type Client } from '../../support/client.js';
import type { Caller } from '../ledger/callers.js';
import type { Request } from './resolve.js';

/** Somebody who asks, and the connection by which they do. */
export interface KnownCaller {
  readonly caller: Caller;
  readonly client: Client;
}

export class CallLog {
  readonly calls: LoggedCall[] = [];
  private ticks = 0;

  /** By the numbers of a program; the first one may do everything. */
  constructor(private readonly callers: readonly KnownCaller[]) {}

  async send(number: number, request: Request): Promise<LoggedCall> {
    const { method, path, query = {}, body, key = null, ifMatch = null } = request;
    const { caller, client } = this.callers[request.caller ?? 0]!;
    const startedAt = this.tick();
    const answer = await client.send(method, withQuery(path, query), {
      ...(body === undefined ? {} : { body }),
      ...(key === null ? {} : { key }),
      ...(ifMatch === null ? {} : { headers: { 'if-match': ifMatch } }),
    });
    const call: LoggedCall = {
      client: number,
      caller,
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
