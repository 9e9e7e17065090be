import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { Journal, type Outcome, type WriteRequest } from '#journal';

/** Releases all that is left of a hold. */
export class VoidHold extends Command<Outcome> {
  constructor(
    readonly request: WriteRequest,
    readonly transactionId: string,
  ) {
    super();
  }
}

@CommandHandler(VoidHold)
export class VoidHoldHandler implements ICommandHandler<VoidHold> {
  constructor(private readonly journal: Journal) {}

  execute({ request, transactionId }: VoidHold): Promise<Outcome> {
    return this.journal.submit(request, { kind: 'void-hold', transactionId });
  }
}
