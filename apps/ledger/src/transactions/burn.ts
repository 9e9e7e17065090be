import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { AccountReference, TransactionDraft } from '#domain';
import { Journal, type Outcome, type WriteRequest } from '#journal';

/** Takes money out of the ledger: a transaction whose recipient is ROOT. */
export class Burn extends Command<Outcome> {
  constructor(
    readonly request: WriteRequest,
    readonly sender: AccountReference,
    readonly amount: bigint,
    readonly draft: Omit<TransactionDraft, 'postings'>,
  ) {
    super();
  }
}

@CommandHandler(Burn)
export class BurnHandler implements ICommandHandler<Burn> {
  constructor(private readonly journal: Journal) {}

  execute({ request, sender, amount, draft }: Burn): Promise<Outcome> {
    const postings = [{ sender, recipient: 'ROOT', amount }];
    return this.journal.submit(request, { kind: 'create-transaction', draft: { ...draft, postings } });
  }
}
