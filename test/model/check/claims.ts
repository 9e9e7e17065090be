/** Which events each accepted request claims by its answer; every event has to have one claimant. */
import {
  isAccepted,
  isDryRun,
  isRead,
  shownTransactions,
  type JournalEvent,
  type LoggedCall,
} from './call-log.js';

export interface Claims {
  readonly positionsOf: ReadonlyMap<LoggedCall, readonly number[]>;
  /**
   * Mostly one. A PATCH that changes nothing is answered with the account as an earlier one has left it, and
   * so claims the same event: the model knows whose it is.
   */
  readonly claimantsOf: ReadonlyMap<number, readonly LoggedCall[]>;
}

export function claimEvents(calls: readonly LoggedCall[], journal: readonly JournalEvent[]): Claims {
  const index = new EventIndex(journal);
  const claimantsOf = new Map<number, LoggedCall[]>();
  const positionsOf = new Map<LoggedCall, readonly number[]>();
  for (const call of calls) {
    if (isRead(call) || !isAccepted(call) || call.isReplayed || isDryRun(call)) continue;
    const positions = positionsClaimedBy(call, index);
    if (positions.length === 0) continue;
    positionsOf.set(call, positions);
    for (const position of positions) {
      claimantsOf.set(position, [...(claimantsOf.get(position) ?? []), call]);
    }
  }
  return { positionsOf, claimantsOf };
}

class EventIndex {
  private readonly positions = new Map<string, number[]>();

  constructor(journal: readonly JournalEvent[]) {
    for (const event of journal) {
      for (const name of namesOf(event)) {
        this.positions.set(name, [...(this.positions.get(name) ?? []), Number(event.position)]);
      }
    }
  }

  /** Each position is given once: of events that are alike, to whoever asks first. */
  take(name: string): number[] {
    const found = this.positions.get(name);
    return found === undefined ? [] : found.length > 1 ? [found.shift()!] : [found[0]!];
  }
}

const asText = (value: unknown): string => JSON.stringify(value);

function namesOf({ type, transactionId, data, position }: JournalEvent): string[] {
  switch (type) {
    case 'account.updated':
      return [`updated ${asText(data['id'])} ${asText(data['version'])}`];
    case 'account.opened':
    case 'account.closed':
      return [`${type} ${asText(data['id'])}`];
    case 'transaction.voided':
      return [`voided ${transactionId}`];
    case 'transaction.extended':
      return [`extended ${asText(data)}`];
    case 'currency.added':
      return [`currency ${asText(data['code'])}`];
    case 'exchange-rate.set':
    case 'period.closed':
      return [`position ${position}`];
    default:
      return [`made ${transactionId}`];
  }
}

function positionsClaimedBy(call: LoggedCall, index: EventIndex): number[] {
  const [resource = '', id = '', verb = ''] = call.path.replace('/v1/', '').split('/');
  if (call.method === 'DELETE') return index.take(`account.closed ${asText(id)}`);
  const shown = shownTransactions(call);
  const [data = {}] = shown;
  if (call.method === 'PATCH') {
    if (resource === 'transactions') return index.take(`extended ${asText(data)}`);
    return index.take(`updated ${asText(data['id'])} ${asText(data['version'])}`);
  }
  if (call.method === 'PUT') return index.take(`position ${data['position'] as string}`);
  if (resource === 'accounts') return index.take(`account.opened ${asText(data['id'])}`);
  if (resource === 'currencies') return index.take(`currency ${asText(data['code'])}`);
  if (verb === 'void') return index.take(`voided ${data['id'] as string}`);
  return shown.flatMap((transaction) => index.take(`made ${transaction['id'] as string}`));
}
