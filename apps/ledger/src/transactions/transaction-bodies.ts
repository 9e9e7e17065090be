import { TextField } from '#openapi';
import { AccountField, AmountField, MetadataField } from '../http/fields.js';

/** What every way to move money may say of it. */
class MovementBody {
  @AmountField({ description: 'Minor units of the currency', example: '250' })
  amount!: string | number;

  @TextField({
    description: 'A text of yours that lists can search',
    optional: true,
    nullable: true,
    example: 'Lunch',
  })
  reference?: string | null;

  @TextField({
    description: 'Your id of it, unique in the ledger',
    optional: true,
    nullable: true,
    example: 'order-8',
  })
  externalId?: string | null;

  @MetadataField({ description: 'Yours to use', optional: true, nullable: true })
  metadata?: Record<string, unknown> | null;
}

const anAccount = 'acc_01jd3v4wqzfxs9v5n6m7k8h2re';

export class CreateTransactionBody extends MovementBody {
  @AccountField({ description: 'Who gives; ROOT makes it a mint', example: anAccount })
  sender!: string;

  @AccountField({ description: 'Who takes; ROOT makes it a burn', example: anAccount })
  recipient!: string;
}

export class MintBody extends MovementBody {
  @AccountField({ description: 'Who takes what is made', example: anAccount })
  recipient!: string;
}

export class BurnBody extends MovementBody {
  @AccountField({ description: 'Who gives what is destroyed', example: anAccount })
  sender!: string;
}

export type { MovementBody };
