/** Sends requests and keeps every one with its answer, in the order in which they began and ended. */
import type { LoggedCall } from '../check/call-log.js';
import { withQuery, type Client } from '../../support/client.js';
import type { Caller } from '../ledger/callers.js';
import type { Request } from './resolve.js';

/** Somebody who asks, and the connections by which they do: to each process of the product. */
export interface KnownCaller {
  readonly caller: Caller;
  readonly clients: readonly Client[];
}

export class CallLog {
  readonly calls: LoggedCall[] = [];
  private ticks = 0;

  /** By the numbers of a program; the first one may do everything. */
  constructor(private readonly callers: readonly KnownCaller[]) {}

  async send(number: number, request: Request): Promise<LoggedCall> {
    const { method, path, query = {}, body, key = null } = request;
    const { ifMatch = null, ifUnmodifiedSince = null, accept = null } = request;
    const headers = { 'if-match': ifMatch, 'if-unmodified-since': ifUnmodifiedSince, accept };
    const { caller, clients } = this.callers[request.caller ?? 0]!;
    const process = request.process ?? 0;
    const startedAt = this.tick();
    const answer = await clients[process]!.send(method, withQuery(path, query), {
      ...(body === undefined ? {} : { body }),
      ...(key === null ? {} : { key }),
      headers: withoutNulls(headers),
    });
    const call: LoggedCall = {
      client: number,
      caller,
      process,
      startedAt,
      endedAt: this.tick(),
      method,
      path,
      query,
      body,
      key,
      ifMatch,
      ifUnmodifiedSince,
      accept,
      status: answer.status,
      text: answer.text,
      isReplayed: answer.headers['idempotency-replayed'] === 'true',
      mediaType: answer.headers['content-type'] ?? '',
      entityTag: answer.headers.etag ?? null,
      lastModified: answer.headers['last-modified'] ?? null,
    };
    this.calls.push(call);
    return call;
  }

  private tick(): number {
    this.ticks += 1;
    return this.ticks;
  }
}

function withoutNulls(headers: Readonly<Record<string, string | null>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (value === null ? [] : [[name, value]])),
  );
}
