import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { TransactionDraft } from '#domain';
import { Journal, type Outcome, type WriteRequest } from '#journal';

/** Moves money between accounts: all of the draft's postings or none. */
export class CreateTransaction extends Command<Outcome> {
  constructor(
    readonly request: WriteRequest,
    readonly draft: TransactionDraft,
  ) {
    super();
  }
}

@CommandHandler(CreateTransaction)
export class CreateTransactionHandler implements ICommandHandler<CreateTransaction> {
  constructor(private readonly journal: Journal) {}

  execute({ request, draft }: CreateTransaction): Promise<Outcome> {
    return this.journal.submit(request, { kind: 'create-transaction', draft });
  }
}
