import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';

import type { AccountSettings } from '#domain';
import { Journal, type Outcome, type WriteRequest } from '#journal';
import { newUuid } from '#platform';

/** Opens an account, with its opening balance in the same commit where there is one. */
export class OpenAccount extends Command<Outcome> {
  constructor(
    readonly request: WriteRequest,
    readonly currency: string,
    readonly settings: AccountSettings,
    readonly openingBalance: bigint | null,
  ) {
    super();
  }
}

@CommandHandler(OpenAccount)
export class OpenAccountHandler implements ICommandHandler<OpenAccount> {
  constructor(private readonly journal: Journal) {}

  execute({ request, currency, settings, openingBalance }: OpenAccount): Promise<Outcome> {
    const accountId = newUuid();
    const opening =
      openingBalance === null
        ? null
        : {
            transactionId: newUuid(),
            postings: [{ sender: 'ROOT', recipient: accountId, amount: openingBalance }],
            reference: null,
            externalId: null,
            metadata: {},
          };
    return this.journal.submit(request, { kind: 'open-account', accountId, currency, settings, opening });
  }
}
