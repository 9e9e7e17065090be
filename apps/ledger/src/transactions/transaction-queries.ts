import type { Principal } from '#access';
import { transactionStatuses, transactionTypes } from '#contracts';
import { ChoiceParameter, ListQuery, readTimes, TextParameter, TimeParameter } from '#openapi';
import { accountReference } from '../http/ids.js';
import { refuseSystemAccountsToOwners } from '../http/owner-bound.js';
import { AccountParameter, AmountParameter, CurrencyParameter } from '../http/parameters.js';
import type { TransactionFilters } from './transaction-filters.js';

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

/** What a list is asked for, by who may ask for it. */
export function filtersOf(query: ListTransactionsQuery, caller: Principal): TransactionFilters {
  const account = (side: 'account' | 'sender' | 'recipient') => {
    const text = query[`filter[${side}]`];
    return text === undefined ? undefined : accountReference(text, `filter[${side}]`);
  };
  const amount = (bound: 'gte' | 'lte') => {
    const text = query[`filter[amount][${bound}]`];
    return text === undefined ? undefined : BigInt(text);
  };
  const parties = { account: account('account'), sender: account('sender'), recipient: account('recipient') };
  const createdAt = readTimes(query);
  const { account: either, sender, recipient } = parties;
  refuseSystemAccountsToOwners(caller, {
    'filter[account]': either,
    'filter[sender]': sender,
    'filter[recipient]': recipient,
  });
  return {
    ...parties,
    reference: query['filter[reference]'],
    type: query['filter[type]'],
    status: query['filter[status]'],
    currency: query['filter[currency]'],
    externalId: query['filter[externalId]'],
    createdAt,
    amount: { gte: amount('gte'), lte: amount('lte') },
    seenBy: caller.ownerId ?? undefined,
  };
}
