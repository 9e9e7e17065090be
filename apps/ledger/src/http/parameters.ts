import { ChoiceParameter, parameter } from '#openapi';
import { isAccountReference } from './ids.js';
import { accountReferencePattern, exampleIds } from '#contracts';

export const AccountParameter = (description: string) =>
  parameter(
    description,
    { pattern: accountReferencePattern, example: exampleIds.account },
    'must be an account id (acc_…), ROOT or EXCHANGE',
    isAccountReference,
  );

export const AmountParameter = (description: string) =>
  parameter(
    description,
    { pattern: '^(0|[1-9][0-9]{0,35})$', example: '100' },
    'must be a whole number of at most 36 digits',
    (text) => /^(0|[1-9][0-9]{0,35})$/.test(text),
  );

export const CurrencyParameter = (description: string) =>
  parameter(
    description,
    { pattern: '^[A-Za-z0-9]{1,32}$', example: 'EUR' },
    'must be a currency code',
    (text) => /^[A-Za-z0-9]{1,32}$/.test(text),
  );

export const TimeBasisParameter = () =>
  ChoiceParameter(
    ['recorded', 'effective'],
    'Which time counts: when it was recorded, which is what is meant where absent, or when it took effect. It makes no difference to what is asked for as of now.',
  );
