import { transactionStatuses, transactionTypes } from '#contracts';
import { ChoiceParameter, ListQuery, TextParameter, TimeParameter } from '#openapi';
import { AccountParameter, AmountParameter, CurrencyParameter } from '../http/parameters.js';

export class ListTransactionsQuery extends ListQuery {
  @AccountParameter('On either side')
  'filter[account]'?: string;

  @AccountParameter('Who gave')
  'filter[sender]'?: string;

  @AccountParameter('Who took')
  'filter[recipient]'?: string;

  @TextParameter('A part of the reference, in any case')
  'filter[reference]'?: string;

  @ChoiceParameter(transactionTypes, 'What kind of movement')
  'filter[type]'?: string;

  @ChoiceParameter(transactionStatuses, 'How far it has come')
  'filter[status]'?: string;

  @CurrencyParameter('A currency that it moved')
  'filter[currency]'?: string;

  @TextParameter('Your id of it')
  'filter[externalId]'?: string;

  @TimeParameter('Recorded at this time or later')
  'filter[createdAt][gte]'?: string;

  @TimeParameter('Recorded after this time')
  'filter[createdAt][gt]'?: string;

  @TimeParameter('Recorded at this time or before')
  'filter[createdAt][lte]'?: string;

  @TimeParameter('Recorded before this time')
  'filter[createdAt][lt]'?: string;

  @AmountParameter('At least this amount')
  'filter[amount][gte]'?: string;

  @AmountParameter('At most this amount')
  'filter[amount][lte]'?: string;
}
