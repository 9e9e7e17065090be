import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { isTransactionEvent, progressOf, type LedgerCommand, type OpenAccountCommand } from '#domain';
import { anyLifecycle, lifecycleAccounts, lifecycleOpenings, type Step } from './any-lifecycle.js';
import { moveOf, rateOf } from './ledger-fixtures.js';
import type { TestLedger } from './journal-fixtures.js';
import type { SeededRandom } from './seeded-random.js';

const hourMicros = 3_600_000_000n;
const now = () => BigInt(Date.now()) * 1_000n;

/** A ledger with a random life behind it, in which every table of the product has got rows; written by the journal. */
export class LivedLedger {
  private readonly transactionIds: string[] = [];
  private readonly openHoldIds = new Set<string>();
  private readonly steps: Step[];
  private number = 0;

  private constructor(
    readonly ledger: TestLedger,
    private readonly random: SeededRandom,
  ) {
    const sample = { seed: random.below(2 ** 31), numRuns: 20 };
    this.steps = fc.sample(anyLifecycle(400), sample).flat();
  }

  static async begin(ledger: TestLedger, random: SeededRandom): Promise<LivedLedger> {
    const lived = new LivedLedger(ledger, random);
    const openings = lifecycleOpenings.map((opening, index) => {
      const { settings, ...command } = opening as OpenAccountCommand;
      const ownerId = ['alice', 'bob', null][index % 3]!;
      const visibility = (['private', 'public', 'unlisted'] as const)[index % 3]!;
      const externalId = index % 2 === 0 ? `account-${index}` : null;
      const metadata = { index, tags: ['ä', { deep: null }] };
      return { ...command, settings: { ...settings, ownerId, visibility, externalId, metadata } };
    });
    await lived.submit([
      ...openings,
      rateOf('EUR', 'USD', '1.0837'),
      rateOf('USD', 'EUR', '0.9228'),
      rateOf('EUR', 'JPY', '161.2'),
      { kind: 'add-currency', code: 'POINTS', exponent: 0, name: 'Points' },
      { kind: 'close-period', through: '2020-01-01', closedBefore: 1_577_923_200_000_000n },
      ...Array.from({ length: 6 }, () => lived.backdated()),
    ]);
    return lived;
  }

  /** Commands at random; what is refused leaves no trace. Some are in one batch together. */
  async live(commands: number): Promise<void> {
    for (let done = 0; done < commands;) {
      const size = 1 + this.random.below(20);
      await this.submit(Array.from({ length: size }, () => this.next()));
      done += size;
    }
  }

  private async submit(commands: readonly LedgerCommand[]): Promise<void> {
    const outcomes = await Promise.all(
      commands.map((command) => {
        const key = this.random.below(3) === 0 ? randomUUID() : undefined;
        return this.ledger.submit(command, key === undefined ? {} : { key });
      }),
    );
    const events = outcomes.flatMap((outcome) => (outcome.accepted ? outcome.events : []));
    for (const { event } of events) {
      if (!event || !isTransactionEvent(event)) continue;
      if (event.type !== 'transaction.extended') this.transactionIds.push(event.transaction.transactionId);
      for (const { transactionId, progress } of progressOf(event)) {
        const isOpen = progress.status === 'pending' || progress.status === 'partially_captured';
        if (isOpen) this.openHoldIds.add(transactionId);
        else this.openHoldIds.delete(transactionId);
      }
    }
  }

  private next(): LedgerCommand {
    if (this.random.below(8) === 0) return this.backdated();
    const command = this.random.pick(this.steps)({
      transactionId: randomUUID(),
      transactionIds: this.transactionIds,
      openHoldIds: [...this.openHoldIds],
      now: now() + hourMicros,
    });
    // Times are the database's: nothing is waited for, and nothing expires.
    if (command.kind === 'wait' || command.kind === 'expire-hold') return this.backdated();
    return command;
  }

  private backdated(): LedgerCommand {
    const [sender, recipient] = [this.random.below(4), this.random.below(3)];
    const others = lifecycleAccounts.slice(0, 4).filter((_, index) => index !== sender);
    const agoMicros = BigInt(1 + this.random.below(40)) * 24n * hourMicros;
    const number = this.number++;
    return moveOf(
      randomUUID(),
      lifecycleAccounts[sender]!,
      others[recipient]!,
      BigInt(1 + this.random.below(5)),
      {
        ...(this.random.below(3) === 0 ? {} : { effectiveAt: now() - agoMicros }),
        reference: `Order ${number} ÄÖ`,
        externalId: number % 2 === 0 ? `order-${number}` : null,
      },
    );
  }
}
