import { accountStatuses, visibilities, type AccountStatus, type Visibility } from '#domain';
import { ChoiceParameter, ListQuery, TextParameter, TimeParameter } from '#openapi';
import { CurrencyParameter } from '../http/parameters.js';

/** Which currency's system account a path means by its name. */
export class AccountQuery {
  @CurrencyParameter('Needed with ROOT, and with ROOT alone')
  currency?: string;
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
  @CurrencyParameter('Needed with ROOT, and with ROOT alone')
  currency?: string;

  @TimeParameter('Recorded at this time or later')
  'filter[createdAt][gte]'?: string;

  @TimeParameter('Recorded before this time')
  'filter[createdAt][lt]'?: string;
}
