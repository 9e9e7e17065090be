import { MayBeMissing } from '#http';
import { BooleanField, TimeField, TextField } from '#openapi';
import { AmountField } from '../http/fields.js';
import { DryRunField } from './transaction-bodies.js';

/** What happens to a transaction after it was made. */
@MayBeMissing()
export class CaptureHoldBody {
  @AmountField({
    description:
      'Minor units of the sender’s currency; all that is left where absent. Not for a hold of several postings, ' +
      'which is captured as a whole.',
    optional: true,
    example: '60',
  })
  amount?: string | number;

  @BooleanField({
    description: 'true: what is left after it is released. Where absent true without an amount, else false.',
    optional: true,
  })
  final?: boolean;

  @DryRunField()
  dryRun?: boolean;
}

@MayBeMissing()
export class VoidHoldBody {
  @DryRunField()
  dryRun?: boolean;
}

export class ExtendHoldBody {
  @TimeField({
    description: 'When the hold is released by itself: in the future, and not before its present end',
    example: '2099-12-31T23:59:59Z',
  })
  expiresAt!: string;
}

@MayBeMissing()
export class ReverseTransactionBody {
  @AmountField({
    description:
      'Minor units, of the sender’s currency where it was an exchange; all that is left where absent. Not where ' +
      'its postings have several currencies, which are reversed as a whole.',
    optional: true,
    example: '25',
  })
  amount?: string | number;

  @TextField({ description: 'Why', optional: true, example: 'Breakfast was not served' })
  reason?: string;

  @DryRunField()
  dryRun?: boolean;
}
