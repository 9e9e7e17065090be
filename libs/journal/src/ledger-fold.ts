import { isAccountEvent, isTransactionEvent, type TransactionEvent } from '#domain';
import { AccountFold } from './account-fold.js';
import type { Compare, Difference } from './difference.js';
import { chainHash, dataHash, genesisHash } from './event-chain.js';
import { decodeEvent, effectiveAtOf, transactionIdOf } from './event-codec.js';
import { ProgressFold, type OriginalOf } from './progress-fold.js';
import type { RecordedEvent } from './recorded-event.js';
import { SettingsFold } from './settings-fold.js';

/**
 * The ledger as its events make it, with what each of them claims checked on the way. An erased event can't be
 * recomputed: what it did is taken from the next event that tells how things are. Without an erased event before it,
 * such a jump is a difference.
 */
export class LedgerFold {
  readonly accounts = new AccountFold();
  readonly progress = new ProgressFold();
  readonly settings = new SettingsFold();
  readonly transactionExternalIds = new Map<string, string>();
  /** Of erased events that are of no transaction, by their positions. */
  readonly erasedTypes = new Map<bigint, string>();
  readonly erasedTransactionIds = new Set<string>();
  events = 0;
  erased = 0;
  position = 0n;
  epoch = 1;
  recordedAt = 0n;
  hash: Buffer;

  constructor(readonly ledgerId: string) {
    this.hash = genesisHash(ledgerId);
  }

  /** @param originalOf of a transaction that the event reverses */
  add(recorded: RecordedEvent, originalOf: OriginalOf): Difference | null {
    const { position } = recorded;
    const compare: Compare = (subject, expected, found) =>
      this.difference(subject, position, expected, found);
    const difference = this.chain(recorded, compare) ?? this.apply(recorded, originalOf, compare);
    this.events += 1;
    this.position = position;
    this.epoch = recorded.epoch;
    this.recordedAt = recorded.recordedAt;
    this.hash = recorded.hash;
    return difference;
  }

  difference(subject: string, position: bigint | null, expected: unknown, found: unknown): Difference | null {
    const [e, f] = [String(expected), String(found)];
    return e === f ? null : { ledgerId: this.ledgerId, subject, position, expected: e, found: f };
  }

  private chain(recorded: RecordedEvent, compare: Compare): Difference | null {
    return (
      compare('position', this.position + 1n, recorded.position) ??
      compare('epoch is not lower than before', true, recorded.epoch >= this.epoch) ??
      compare('recorded_at grows', true, recorded.recordedAt > this.recordedAt) ??
      compareData(recorded, compare) ??
      compare('hash', chainHash(this.hash, recorded).toString('hex'), recorded.hash.toString('hex'))
    );
  }

  private apply(recorded: RecordedEvent, originalOf: OriginalOf, compare: Compare): Difference | null {
    const event = decodeEvent(recorded);
    if (event === null) {
      this.erase(recorded);
      return null;
    }
    const difference =
      compare('transaction id', transactionIdOf(event), recorded.transactionId) ??
      compare('effective time', effectiveAtOf(event, recorded.recordedAt), recorded.effectiveAt);
    if (difference) return difference;
    if (isAccountEvent(event)) return this.accounts.addAccount(event, recorded.position, compare);
    if (!isTransactionEvent(event)) return this.settings.add(event, recorded, compare);
    return (
      this.accounts.addTransaction(event, recorded, compare) ??
      this.addNew(event, compare) ??
      this.progress.add(event, recorded, originalOf, compare)
    );
  }

  /** What is asked for once, when a transaction is made or held. */
  private addNew({ type, transaction }: TransactionEvent, compare: Compare): Difference | null {
    if (type !== 'transaction.posted' && type !== 'transaction.pending') return null;
    const { externalId, transactionId } = transaction;
    if (externalId !== null) this.transactionExternalIds.set(externalId, transactionId);
    return this.settings.checkExchanges(transaction, compare);
  }

  private erase({ type, transactionId, position }: RecordedEvent): void {
    this.erased += 1;
    this.accounts.erase();
    if (transactionId === null) {
      this.erasedTypes.set(position, type);
    } else {
      this.erasedTransactionIds.add(transactionId);
      this.progress.erase(type, transactionId);
    }
  }
}

/** Erased is what has neither data nor salt; one of them alone is no erasure. */
function compareData(
  { dataText, dataSalt, dataHash: kept }: RecordedEvent,
  compare: Compare,
): Difference | null {
  if (dataText === null && dataSalt === null) return null;
  const expected = dataHash(dataSalt ?? Buffer.alloc(0), dataText ?? '');
  return compare('data hash', expected.toString('hex'), kept.toString('hex'));
}
