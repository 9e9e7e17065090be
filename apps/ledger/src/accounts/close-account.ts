import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { AccountPrecondition } from '#domain';
import { Journal, type Outcome, type WriteRequest } from '#journal';

/** Closes an empty account for ever. */
export class CloseAccount extends Command<Outcome> {
  constructor(
    readonly request: WriteRequest,
    readonly accountId: string,
    readonly preconditions: readonly AccountPrecondition[],
  ) {
    super();
  }
}

@CommandHandler(CloseAccount)
export class CloseAccountHandler implements ICommandHandler<CloseAccount> {
  constructor(private readonly journal: Journal) {}

  execute({ request, accountId, preconditions }: CloseAccount): Promise<Outcome> {
    return this.journal.submit(request, { kind: 'close-account', accountId, preconditions });
  }
}
