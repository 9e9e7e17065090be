import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { Journal, type Outcome, type WriteRequest } from '#journal';

/** Sets up to when nothing may take effect any more. */
export class ClosePeriod extends Command<Outcome> {
  constructor(
    readonly request: WriteRequest,
    /** A day, or a moment as answers write it. */
    readonly through: string,
    /** Microseconds since 1970. */
    readonly closedBefore: bigint,
  ) {
    super();
  }
}

@CommandHandler(ClosePeriod)
export class ClosePeriodHandler implements ICommandHandler<ClosePeriod> {
  constructor(private readonly journal: Journal) {}

  execute({ request, through, closedBefore }: ClosePeriod): Promise<Outcome> {
    return this.journal.submit(request, { kind: 'close-period', through, closedBefore });
  }
}
