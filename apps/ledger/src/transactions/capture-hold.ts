import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { Journal, type Outcome, type WriteRequest } from '#journal';
import { newUuid } from '#platform';

/** Posts all or a part of what a transaction holds. */
export class CaptureHold extends Command<Outcome> {
  constructor(
    readonly request: WriteRequest,
    readonly transactionId: string,
    /** Null: all that is left. */
    readonly amount: bigint | null,
    /** What is left after it is released. */
    readonly isFinal: boolean,
  ) {
    super();
  }
}

@CommandHandler(CaptureHold)
export class CaptureHoldHandler implements ICommandHandler<CaptureHold> {
  constructor(private readonly journal: Journal) {}

  execute({ request, transactionId, amount, isFinal }: CaptureHold): Promise<Outcome> {
    const captureId = newUuid();
    return this.journal.submit(request, { kind: 'capture-hold', transactionId, captureId, amount, isFinal });
  }
}
