import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { Journal, type Outcome, type WriteRequest } from '#journal';
import { newUuid } from '#platform';

/** Gives back all or a part of what a transaction has moved. */
export class ReverseTransaction extends Command<Outcome> {
  constructor(
    readonly request: WriteRequest,
    readonly transactionId: string,
    /** Null: all that is left. */
    readonly amount: bigint | null,
    readonly reason: string | null,
  ) {
    super();
  }
}

@CommandHandler(ReverseTransaction)
export class ReverseTransactionHandler implements ICommandHandler<ReverseTransaction> {
  constructor(private readonly journal: Journal) {}

  execute({ request, transactionId, amount, reason }: ReverseTransaction): Promise<Outcome> {
    const reversalId = newUuid();
    const command = { kind: 'reverse-transaction', transactionId, reversalId, amount, reason } as const;
    return this.journal.submit(request, command);
  }
}
