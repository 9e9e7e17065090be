import { ListQuery } from '#openapi';
import { ExchangeRateField } from '../http/fields.js';
import { CurrencyParameter } from '../http/parameters.js';

export class SetExchangeRateBody {
  @ExchangeRateField({
    description: 'Major units of `to` for one of `from`: a decimal of at most 18 digits',
    example: '1.0837',
  })
  rate!: string;
}

export class ListExchangeRatesQuery extends ListQuery {
  @CurrencyParameter('The currency of the sender')
  'filter[from]'?: string;

  @CurrencyParameter('The currency of the recipient')
  'filter[to]'?: string;
}
