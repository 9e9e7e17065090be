import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { Journal, type Outcome, type WriteRequest } from '#journal';

/** Gives an open hold more time, until a moment in microseconds since 1970. */
export class ExtendHold extends Command<Outcome> {
  constructor(
    readonly request: WriteRequest,
    readonly transactionId: string,
    readonly expiresAt: bigint,
  ) {
    super();
  }
}

@CommandHandler(ExtendHold)
export class ExtendHoldHandler implements ICommandHandler<ExtendHold> {
  constructor(private readonly journal: Journal) {}

  execute({ request, transactionId, expiresAt }: ExtendHold): Promise<Outcome> {
    return this.journal.submit(request, { kind: 'extend-hold', transactionId, expiresAt });
  }
}
