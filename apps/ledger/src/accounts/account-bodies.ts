import { accountStatuses, visibilities, type AccountStatus, type Visibility } from '#domain';
import { ChoiceField, TextField } from '#openapi';
import { AmountField, CurrencyField, LimitField, MetadataField } from '../http/fields.js';

type SentAmount = string | number;

export class OpenAccountBody {
  @TextField({ description: 'What people call it', example: 'Alice' })
  name!: string;

  @CurrencyField({ description: 'ISO 4217; it can not change later', example: 'EUR' })
  currency!: string;

  @ChoiceField(visibilities, { description: 'Who may see it; private where absent', optional: true })
  visibility?: Visibility;

  @TextField({
    description: 'Your id of it, unique in the ledger',
    optional: true,
    nullable: true,
    example: 'user-17',
  })
  externalId?: string | null;

  @TextField({ description: 'Whose it is', optional: true, nullable: true, example: 'alice' })
  ownerId?: string | null;

  @AmountField({ description: 'Minted from ROOT in the same commit', optional: true, example: '1000' })
  openingBalance?: SentAmount;

  @LimitField({
    description: 'The least that must stay; "0" where absent, null for no limit',
    optional: true,
    nullable: true,
    example: '0',
  })
  minBalance?: SentAmount | null;

  @LimitField({ description: 'The most that it may hold; null for no limit', optional: true, nullable: true })
  maxBalance?: SentAmount | null;

  @MetadataField({ description: 'Yours to use', optional: true, nullable: true, example: { tier: 'gold' } })
  metadata?: Record<string, unknown> | null;
}

export class UpdateAccountBody {
  @TextField({ description: 'What people call it', optional: true, example: 'Alice B.' })
  name?: string;

  @ChoiceField(visibilities, { description: 'Who may see it', optional: true })
  visibility?: Visibility;

  @TextField({ description: 'Your id of it; null takes it away', optional: true, nullable: true })
  externalId?: string | null;

  @MetadataField({ description: 'Replaced whole; null empties it', optional: true, nullable: true })
  metadata?: Record<string, unknown> | null;

  @LimitField({ description: 'Null for no limit', optional: true, nullable: true, example: '-5000' })
  minBalance?: SentAmount | null;

  @LimitField({ description: 'Null for no limit', optional: true, nullable: true })
  maxBalance?: SentAmount | null;

  @ChoiceField(accountStatuses.filter((status) => status !== 'closed'), {
    description: 'A frozen account neither gives nor takes',
    optional: true,
  })
  status?: Exclude<AccountStatus, 'closed'>;
}
