import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { Journal, type Outcome, type WriteRequest } from '#journal';

/** From now on, exchanges that bring no rate of their own are made at this one. */
export class SetExchangeRate extends Command<Outcome> {
  constructor(
    readonly request: WriteRequest,
    readonly from: string,
    readonly to: string,
    readonly rate: string,
  ) {
    super();
  }
}

@CommandHandler(SetExchangeRate)
export class SetExchangeRateHandler implements ICommandHandler<SetExchangeRate> {
  constructor(private readonly journal: Journal) {}

  execute({ request, from, to, rate }: SetExchangeRate): Promise<Outcome> {
    return this.journal.submit(request, { kind: 'set-exchange-rate', from, to, rate });
  }
}
