import { IntegerField, TextField } from '#openapi';
import { CurrencyField } from '../http/fields.js';

const exponentMax = 18;

export class AddCurrencyBody {
  @CurrencyField({ description: 'Its code, that of no other currency of the ledger', example: 'MILES' })
  code!: string;

  @IntegerField(0, exponentMax, { description: 'Decimals of its minor unit', example: 0 })
  exponent!: number;

  @TextField({ description: 'What people call it', example: 'Bonus miles' })
  name!: string;
}
