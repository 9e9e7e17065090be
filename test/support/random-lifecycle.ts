import { randomUUID } from 'node:crypto';
import type { LedgerCommand, StoredTransaction, TransactionDraft } from '#domain';
import { DecidedJournal } from './decided-journal.js';
import {
  captureOf,
  draftOf,
  expiryOf,
  extensionOf,
  moveOf,
  rateOf,
  reversalOf,
  voidOf,
} from './ledger-fixtures.js';
import type { SeededRandom } from './seeded-random.js';

const secondMicros = 1_000_000n;

/**
 * Commands of every kind that moves money or goes on with what has moved, drawn at random over a few accounts in two
 * currencies. Many are refused, which is as good: what the journal gets is what the domain has let pass.
 */
export class RandomLifecycle {
  readonly accounts: readonly { readonly id: string; readonly currency: string }[];

  constructor(
    private readonly journal: DecidedJournal,
    private readonly random: SeededRandom,
  ) {
    this.accounts = [
      { currency: 'EUR', ownerId: 'alice' },
      { currency: 'EUR', ownerId: 'bob', visibility: 'public' as const },
      { currency: 'EUR', ownerId: null },
      { currency: 'USD', ownerId: 'alice', visibility: 'unlisted' as const },
      { currency: 'USD', ownerId: 'bob' },
    ].map(({ currency, ...settings }) => ({ currency, id: journal.openFunded(currency, settings) }));
    journal.tell(rateOf('EUR', 'USD', '1.0837'));
    journal.tell(rateOf('USD', 'EUR', '0.9228'));
  }

  /** Until the journal has so many events. */
  runTo(events: number): void {
    while (this.journal.events.length < events) {
      const afterMicros = BigInt(1 + this.random.below(3) * this.random.below(2_000_000));
      this.journal.decide(this.command(), afterMicros);
    }
  }

  private command(): LedgerCommand {
    const kind = this.random.below(20);
    if (kind < 9) return this.movement();
    const known = this.known();
    const id = known.transaction.transactionId;
    if (kind < 12) {
      const amount = this.part(known);
      return captureOf(id, randomUUID(), amount, amount === null || this.random.below(4) === 0);
    }
    if (kind < 17) return reversalOf(id, randomUUID(), this.part(known));
    if (kind === 17) return voidOf(id);
    if (kind === 18) return expiryOf(id);
    return extensionOf(id, this.journal.now + BigInt(1 + this.random.below(60)) * secondMicros);
  }

  /** A transaction of the last hundred, more often a hold than not. */
  private known(): StoredTransaction {
    const recent = [...this.journal.stored.values()].slice(-100);
    const holds = recent.filter(({ isHold }) => isHold);
    return holds.length > 0 && this.random.below(3) > 0 ? this.random.pick(holds) : this.random.pick(recent);
  }

  private part({ transaction }: StoredTransaction): bigint | null {
    const [first] = transaction.legs;
    return this.random.below(3) === 0 ? null : BigInt(1 + this.random.below(Number(first!.amount)));
  }

  private movement(): LedgerCommand {
    const several = this.random.below(5) === 0 ? 2 + this.random.below(3) : 1;
    const postings = Array.from({ length: several }, () => {
      const sender = this.random.pick(this.accounts).id;
      const others = this.accounts.filter(({ id }) => id !== sender).map(({ id }) => id);
      const recipient = this.random.below(8) === 0 ? 'ROOT' : this.random.pick(others);
      const amount = BigInt(1 + this.random.below(5_000));
      return this.random.below(8) === 0
        ? { sender: 'ROOT', recipient: sender, amount }
        : { sender, recipient, amount };
    });
    const [only] = postings;
    if (several === 1) return moveOf(randomUUID(), only!.sender, only!.recipient, only!.amount, this.times());
    return { kind: 'create-transaction', draft: draftOf(randomUUID(), postings, this.times()) };
  }

  /** A hold, or one that took effect before: some by a moment, some by days, some at the same whole second. */
  private times(): Partial<TransactionDraft> {
    const { now } = this.journal;
    const backdated = () => {
      const agoMicros = this.random.pick([
        BigInt(this.random.below(300)),
        BigInt(this.random.below(100)) * secondMicros,
        BigInt(this.random.below(40)) * 86_400n * secondMicros,
      ]);
      const effectiveAt = now - agoMicros;
      return this.random.below(2) === 0 ? effectiveAt : (effectiveAt / secondMicros) * secondMicros;
    };
    const isHold = this.random.below(3) === 0;
    const expiresAt =
      this.random.below(2) === 0 ? null : now + BigInt(5 + this.random.below(300)) * secondMicros;
    return {
      ...(isHold ? { hold: { expiresAt } } : {}),
      ...(this.random.below(3) === 0 ? { effectiveAt: backdated() } : {}),
      ...(this.random.below(4) === 0 ? { reference: `Order ${this.random.below(1_000)}` } : {}),
    };
  }
}
