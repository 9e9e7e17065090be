import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { AccountReference, TransactionDraft } from '#domain';
import { Journal, type Outcome, type WriteRequest } from '#journal';

/** Brings money into the ledger: a transaction whose sender is ROOT. */
export class Mint extends Command<Outcome> {
  constructor(
    readonly request: WriteRequest,
    readonly recipient: AccountReference,
    readonly amount: bigint,
    readonly draft: Omit<TransactionDraft, 'postings'>,
  ) {
    super();
  }
}

@CommandHandler(Mint)
export class MintHandler implements ICommandHandler<Mint> {
  constructor(private readonly journal: Journal) {}

  execute({ request, recipient, amount, draft }: Mint): Promise<Outcome> {
    const postings = [{ sender: 'ROOT', recipient, amount }];
    return this.journal.submit(request, { kind: 'create-transaction', draft: { ...draft, postings } });
  }
}
