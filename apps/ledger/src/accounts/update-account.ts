import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { AccountPrecondition, AccountSettings } from '#domain';
import { Journal, type Outcome, type WriteRequest } from '#journal';

/** Changes an account's settings; what is absent stays. Money never changes by this. */
export class UpdateAccount extends Command<Outcome> {
  constructor(
    readonly request: WriteRequest,
    readonly accountId: string,
    readonly changes: Partial<AccountSettings>,
    readonly preconditions: readonly AccountPrecondition[],
  ) {
    super();
  }
}

@CommandHandler(UpdateAccount)
export class UpdateAccountHandler implements ICommandHandler<UpdateAccount> {
  constructor(private readonly journal: Journal) {}

  execute({ request, accountId, changes, preconditions }: UpdateAccount): Promise<Outcome> {
    return this.journal.submit(request, { kind: 'update-account', accountId, changes, preconditions });
  }
}
