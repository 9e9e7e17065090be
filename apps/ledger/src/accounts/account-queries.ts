import { accountStatuses, visibilities, type AccountStatus, type Visibility } from '#domain';
import { ChoiceParameter, ListQuery, TextParameter, TimeParameter } from '#openapi';
import { CurrencyParameter, TimeBasisParameter } from '../http/parameters.js';
import type { TimeBasis } from './balances-at.js';

const ofSystemAccounts = 'Needed with ROOT and EXCHANGE, and with them alone';

/** Which currency's system account a path means by its name. */
export class AccountQuery {
  @CurrencyParameter(ofSystemAccounts)
  currency?: string;
}

export class BalanceQuery extends AccountQuery {
  @TimeParameter('What had settled by this time, which counts; now, and what is held as well, where absent')
  at?: string;

  @TimeBasisParameter()
  by?: TimeBasis;
}

export class StatementQuery extends AccountQuery {
  @TimeParameter('Its beginning, which is included', { required: true })
  from!: string;

  @TimeParameter('Its end, which is not, and is later than from; now where absent')
  to?: string;

  @TimeBasisParameter()
  by?: TimeBasis;
}

export class ListAccountsQuery extends ListQuery {
  @TextParameter('A part of the name, in any case')
  'filter[name]'?: string;

  @ChoiceParameter(visibilities, 'Who may see it')
  'filter[visibility]'?: Visibility;

  @CurrencyParameter('Its currency')
  'filter[currency]'?: string;

  @TextParameter('Your id of it')
  'filter[externalId]'?: string;

  @TextParameter('Whose it is')
  'filter[ownerId]'?: string;

  @ChoiceParameter(accountStatuses, 'Closed accounts are shown for closed alone')
  'filter[status]'?: AccountStatus;
}

export class ListEntriesQuery extends ListQuery {
  @CurrencyParameter(ofSystemAccounts)
  currency?: string;

  @TimeParameter('Recorded at this time or later')
  'filter[createdAt][gte]'?: string;

  @TimeParameter('Recorded before this time')
  'filter[createdAt][lt]'?: string;
}
