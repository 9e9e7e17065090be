import { AcrossFields } from '#http';
import {
  Alternatives,
  BooleanField,
  ChoiceField,
  IntegerField,
  TimeField,
  ListField,
  TextField,
} from '#openapi';
import {
  AccountField,
  AmountField,
  ExchangeRateField,
  IdempotencyKeyField,
  LimitField,
  MetadataField,
} from '../http/fields.js';

type SentAmount = string | number;

export const postingsMax = 100;
const conditionsMax = 100;
export const batchTransactionsMax = 1_000;
const batchPostingsMax = 4_000;

const anAccount = 'acc_01jd3v4wqzfxs9v5n6m7k8h2re';
const ownRate =
  'The rate of this exchange alone, between major units; where absent the ledger’s. Needs the scope `admin`.';

export const DryRunField = (keys = 'the Idempotency-Key') =>
  BooleanField({
    description: `true: answers with 200 what would happen, changes nothing, and neither looks at nor uses up ${keys}`,
    optional: true,
  });

export class PostingBody {
  @AccountField({ description: 'Who gives', example: anAccount })
  sender!: string;

  @AccountField({ description: 'Who takes', example: anAccount })
  recipient!: string;

  @AmountField({ description: 'Minor units of the sender’s currency', example: '250' })
  amount!: SentAmount;

  @ExchangeRateField({ description: ownRate, optional: true, example: '1.0837' })
  exchangeRate?: string;
}

@Alternatives({ anyOf: [['version'], ['minPosted'], ['maxPosted']] })
@AcrossFields(({ version, minPosted, maxPosted }: ConditionBody) =>
  version === undefined && minPosted === undefined && maxPosted === undefined
    ? [{ path: 'version', message: 'is needed, or minPosted or maxPosted' }]
    : [],
)
export class ConditionBody {
  @AccountField({
    description: 'The account; ROOT is that of the currency of the first posting',
    example: anAccount,
  })
  accountId!: string;

  @IntegerField(0, Number.MAX_SAFE_INTEGER, {
    description: 'The version that it must have',
    optional: true,
    example: 7,
  })
  version?: number;

  @LimitField({ description: 'The least that must have settled on it', optional: true, example: '0' })
  minPosted?: SentAmount;

  @LimitField({ description: 'The most that may have settled on it', optional: true })
  maxPosted?: SentAmount;
}

/** What every way to move money may say of it. */
@AcrossFields(({ pending, expiresAt, effectiveAt }: MovementDetails) => {
  const isHold = pending === true;
  if (!isHold && expiresAt != null) return [{ path: 'expiresAt', message: 'goes with pending alone' }];
  if (isHold && effectiveAt != null) return [{ path: 'effectiveAt', message: 'goes not with pending' }];
  return [];
})
class MovementDetails {
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

  @BooleanField({ description: 'true: the money is held, to be captured or released later', optional: true })
  pending?: boolean;

  @TimeField({
    description: 'Of a hold alone: when it is released by itself; null or absent for never',
    optional: true,
    nullable: true,
    example: '2099-12-31T23:59:59Z',
  })
  expiresAt?: string | null;

  @TimeField({
    description:
      'When it took effect, at the latest now, and not of a hold; where absent, when it is recorded',
    optional: true,
    nullable: true,
    example: '2026-01-31T00:00:00Z',
  })
  effectiveAt?: string | null;

  @ListField(ConditionBody, [1, conditionsMax], {
    description: 'All of which must hold before it, or it is refused (409 version_conflict)',
    optional: true,
  })
  conditions?: ConditionBody[];
}

/** A movement whose other side the route says. */
class MovementBody extends MovementDetails {
  @AmountField({ description: 'Minor units of the currency', example: '250' })
  amount!: SentAmount;

  @DryRunField()
  dryRun?: boolean;
}

const oneMovement = ['sender', 'recipient', 'amount'] as const;
const oneOrSeveral = { oneOf: [oneMovement, ['postings']] };

/** One movement or several. */
@AcrossFields((body: TransactionDraftBody) => {
  const { postings } = body;
  if (postings === undefined) {
    return oneMovement
      .filter((field) => body[field] === undefined)
      .map((path) => ({ path, message: 'is needed where there are no postings' }));
  }
  return [...oneMovement, 'exchangeRate' as const]
    .filter((field) => body[field] !== undefined)
    .map((path) => ({ path, message: 'goes not with postings' }));
})
export class TransactionDraftBody extends MovementDetails {
  @AccountField({ description: 'Who gives; ROOT makes it a mint', optional: true, example: anAccount })
  sender?: string;

  @AccountField({ description: 'Who takes; ROOT makes it a burn', optional: true, example: anAccount })
  recipient?: string;

  @AmountField({ description: 'Minor units of the sender’s currency', optional: true, example: '250' })
  amount?: SentAmount;

  @ExchangeRateField({ description: ownRate, optional: true, example: '1.0837' })
  exchangeRate?: string;

  @ListField(PostingBody, [1, postingsMax], {
    description:
      'Several movements, all of them or none, in place of sender, recipient, amount and exchangeRate',
    optional: true,
  })
  postings?: PostingBody[];
}

@Alternatives(oneOrSeveral)
export class CreateTransactionBody extends TransactionDraftBody {
  @DryRunField()
  dryRun?: boolean;
}

export class MintBody extends MovementBody {
  @AccountField({ description: 'Who takes what is made', example: anAccount })
  recipient!: string;
}

export class BurnBody extends MovementBody {
  @AccountField({ description: 'Who gives what is destroyed', example: anAccount })
  sender!: string;
}

@Alternatives(oneOrSeveral)
export class BatchItemBody extends TransactionDraftBody {
  @IdempotencyKeyField({
    description:
      'Of this transaction alone, as if it were sent to `POST /v1/transactions` without this field: there and here ' +
      'it is made once',
    optional: true,
    example: 'order-8-payment',
  })
  idempotencyKey?: string;
}

@AcrossFields(({ transactions }: CreateBatchBody) => {
  const postings = transactions.reduce((sum, { postings: several }) => sum + (several?.length ?? 1), 0);
  const message = `must have at most ${batchPostingsMax} postings in all`;
  return postings > batchPostingsMax ? [{ path: 'transactions', message }] : [];
})
export class CreateBatchBody {
  @ChoiceField(['independent', 'atomic'], {
    description: 'independent: each is decided by itself; atomic: all of them or none',
    example: 'atomic',
  })
  mode!: 'independent' | 'atomic';

  @ListField(BatchItemBody, [1, batchTransactionsMax], {
    description:
      'Decided in this order, each with the effects of those before it; at most 4,000 postings in all',
  })
  transactions!: BatchItemBody[];

  @DryRunField('the Idempotency-Key of the request; those of the items count, and are not used up')
  dryRun?: boolean;
}

export type { MovementBody, MovementDetails };
