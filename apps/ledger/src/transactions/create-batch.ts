import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { Journal, type BatchItem, type BatchMode, type BatchOutcome, type WriteRequest } from '#journal';

/** Makes many transactions in one commit: each decided by itself, or all of them or none. */
export class CreateBatch extends Command<BatchOutcome> {
  constructor(
    readonly request: WriteRequest,
    readonly mode: BatchMode,
    readonly items: readonly BatchItem[],
  ) {
    super();
  }
}

@CommandHandler(CreateBatch)
export class CreateBatchHandler implements ICommandHandler<CreateBatch> {
  constructor(private readonly journal: Journal) {}

  execute({ request, mode, items }: CreateBatch): Promise<BatchOutcome> {
    return this.journal.submitBatch(request, { mode, items });
  }
}
