import { setTimeout as sleep } from 'node:timers/promises';
import {
  newKey,
  type Answer,
  type BatchAnswer,
  type ErrorBody,
  type One,
  type Transaction,
} from '../client.js';
import type { SeededRandom } from '../seeded-random.js';
import { remember, type LedgerUnderLoad } from './ledger-under-load.js';
import { requestOf, type RandomWrite, type WriteKind } from './random-writes.js';

/** One write, whatever the number of times that it was sent. */
export interface AskedWrite {
  readonly ledger: LedgerUnderLoad;
  readonly kind: WriteKind;
  readonly path: string;
  readonly body: object;
  readonly key: string;
  /** Times that it was sent and nobody can say what became of it. */
  unknown: number;
  /** What it was told in the end: 2xx or a refusal. */
  answer: Answer | null;
}

export interface MixedLoadOptions {
  readonly ledgers: readonly LedgerUnderLoad[];
  readonly random: SeededRandom;
  readonly perSecond: number;
  readonly clients?: number;
}

/** A client that has waited so long takes the outcome for unknown; the request may be applied all the same. */
const patienceMs = 4_000;
const askAgainMs = 100;
const answeredMsMax = 150_000;
const sentMsMax = 40_000;

/** What clients may be refused. Anything else that isn't 2xx or 5xx is wrong here: 401, a key used for another. */
const refusals = new Set([
  'account_not_found',
  'already_reversed',
  'amount_exceeds_remaining',
  'batch_refused',
  'insufficient_funds',
  'not_reversible',
  'same_account',
  'transaction_not_pending',
]);

/**
 * Clients of several ledgers that make random writes, each with a key by which they ask again, at the other API,
 * until they are told what became of it. What they are told is kept.
 */
export class MixedLoad {
  readonly asked: AskedWrite[] = [];
  /** Answers that no client should get. */
  readonly wrong: string[] = [];
  /** Times that a write was sent. */
  sent = 0;
  private readonly underWay = new Set<Promise<unknown>>();
  private isStopped = false;
  private isAbandoned = false;
  private readonly done: Promise<unknown>;

  constructor(private readonly options: MixedLoadOptions) {
    const { clients = 24 } = options;
    this.done = Promise.all(Array.from({ length: clients }, () => this.run(clients)));
    // Told by `stop`, whenever it is called.
    this.done.catch(() => undefined);
  }

  /**
   * Begins nothing more, waits for every answer, and asks once more about what was refused while an earlier sending
   * of it may have been on its way: what is told then is final, as nothing is on its way any more.
   */
  async stop(): Promise<void> {
    this.isStopped = true;
    await this.done;
    await Promise.race([
      Promise.allSettled(this.underWay),
      sleep(sentMsMax, undefined, { ref: false }).then(() =>
        Promise.reject(new Error('requests have no end')),
      ),
    ]);
    for (const write of this.asked) {
      if (write.unknown > 0 && !hasEffect(write)) await this.resolve(write);
    }
  }

  /** One write more, until it is answered. */
  async ask(ledger: LedgerUnderLoad, request: RandomWrite): Promise<AskedWrite> {
    const write: AskedWrite = { ledger, ...request, key: newKey(), unknown: 0, answer: null };
    this.asked.push(write);
    await this.resolve(write);
    return write;
  }

  /** Of a round that has failed: nothing more is sent. */
  abandon(): void {
    this.isStopped = true;
    this.isAbandoned = true;
  }

  private async run(clients: number): Promise<void> {
    const { perSecond, random, ledgers } = this.options;
    const everyMs = (1_000 * clients) / perSecond;
    await sleep(random.below(1 + everyMs));
    while (!this.isStopped) {
      const startedAt = performance.now();
      const ledger = random.pick(ledgers);
      await this.ask(ledger, requestOf(ledger, random));
      const restMs = everyMs - (performance.now() - startedAt);
      if (restMs > 0) await sleep(restMs);
    }
  }

  private async resolve(write: AskedWrite): Promise<void> {
    const { random } = this.options;
    const first = random.below(2);
    const deadline = performance.now() + answeredMsMax;
    for (let n = first; ; n++) {
      const answer = await this.send(write, n);
      if (answer !== null && answer.status < 500 && answer.status !== 429) {
        write.answer = answer;
        return this.note(write, answer);
      }
      if (isUnknown(answer)) write.unknown++;
      if (this.isAbandoned || performance.now() > deadline)
        throw new Error(`${write.kind} ${write.key} was not answered`);
      await sleep(askAgainMs + random.below(askAgainMs));
    }
  }

  /** Null where nothing was heard. */
  private async send({ ledger, path, body, key }: AskedWrite, n: number): Promise<Answer | null> {
    this.sent++;
    const client = ledger.clients[n % ledger.clients.length]!;
    const answered = client.post(path, body, { key }).catch(() => null);
    this.underWay.add(answered);
    void answered.finally(() => this.underWay.delete(answered));
    const patience = new AbortController();
    const waited = sleep(patienceMs, null, { signal: patience.signal }).catch(() => null);
    const answer = await Promise.race([answered, waited]);
    patience.abort();
    if (answer?.status === 500) this.wrong.push(`500 for ${path}: ${answer.text}`);
    return answer;
  }

  private note(write: AskedWrite, { status, text, body }: Answer): void {
    const { ledger, kind } = write;
    if (status >= 400) {
      const { code, details = [] } = (body as { error: ErrorBody }).error;
      // One that is asked for again so late that its end has come.
      const isOver = kind === 'hold' && details.some(({ path }) => path === 'expiresAt');
      if (!refusals.has(code) && !isOver) this.wrong.push(`${kind}: ${status} ${text}`);
      return;
    }
    for (const transaction of transactionsOf(write)) {
      const isHold = transaction.status === 'pending';
      if (transaction.type !== 'reversal')
        remember(isHold ? ledger.holdIds : ledger.settledIds, transaction.id);
    }
  }
}

/** What an answer says was made: one, or the accepted ones of a batch; none where it was refused. */
export function transactionsOf({ kind, answer }: AskedWrite): Transaction[] {
  if (answer === null || answer.status >= 400 || kind === 'account') return [];
  if (kind === 'batch') {
    return (answer.body as BatchAnswer).data.flatMap(({ data }) => (data ? [data] : []));
  }
  return [(answer.body as One<Transaction>).data];
}

/** Whether it was told that something has changed. */
export function hasEffect(write: AskedWrite): boolean {
  const { kind, answer } = write;
  if (answer === null || answer.status >= 400) return false;
  return kind !== 'batch' || transactionsOf(write).length > 0;
}

function isUnknown(answer: Answer | null): boolean {
  if (answer === null || answer.status !== 503) return answer?.status !== 429;
  return (answer.body as { error?: ErrorBody }).error?.code === 'outcome_unknown';
}
