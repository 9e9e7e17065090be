import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { Journal, type Outcome, type WriteRequest } from '#journal';

/** Adds an asset of the ledger's own, beside the currencies of ISO 4217. */
export class AddCurrency extends Command<Outcome> {
  constructor(
    readonly request: WriteRequest,
    readonly code: string,
    /** Decimals of its minor unit. */
    readonly exponent: number,
    readonly name: string,
  ) {
    super();
  }
}

@CommandHandler(AddCurrency)
export class AddCurrencyHandler implements ICommandHandler<AddCurrency> {
  constructor(private readonly journal: Journal) {}

  execute({ request, code, exponent, name }: AddCurrency): Promise<Outcome> {
    return this.journal.submit(request, { kind: 'add-currency', code, exponent, name });
  }
}
