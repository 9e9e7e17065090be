import type { KeyDraft, Scope } from '#access';
import { ChoiceField, IntegerField, rule, TextField, TimeField, type FieldOptions } from '#openapi';
import { parseTimestamp } from '#platform';
import { ScopesField } from '../http/fields.js';

const rateLimitPerMinuteMax = 1_000_000;
const overlapSecondsMax = 604_800;
const hint = 'What the key that makes it hasn’t itself it can’t give (403)';

const RateLimitField = () =>
  IntegerField(1, rateLimitPerMinuteMax, {
    description:
      'Requests that it may make in a minute; null for no limit. Where absent 100 on a test ledger, 6,000 on a live one.',
    example: 600,
    optional: true,
    nullable: true,
  });

/** A time that is over would make a key that never works. */
const FutureTimeField = (options: FieldOptions): PropertyDecorator => {
  const isAhead = rule('future', 'must be in the future', (value) => {
    const micros = typeof value === 'string' ? parseTimestamp(value) : null;
    return micros === null || micros > BigInt(Date.now()) * 1_000n;
  });
  const time = TimeField(options);
  return (target, key) => {
    isAhead(target, key);
    time(target, key);
  };
};

const ExpiryField = () =>
  FutureTimeField({
    description: 'When it stops to work; null, the default, for never',
    example: '2099-12-31T23:59:59Z',
    optional: true,
    nullable: true,
  });

export class CreateKeyBody {
  @TextField({ description: 'What it is for', example: 'Checkout service' })
  name!: string;

  @ScopesField({ description: `What it may do. ${hint}.`, example: ['accounts:read', 'transactions:write'] })
  scopes!: Scope[];

  @TextField({
    description: 'Binds it to an owner: it sees and moves that owner’s alone, and what is public',
    example: 'merchant-17',
    optional: true,
    nullable: true,
  })
  ownerId?: string | null;

  @RateLimitField()
  rateLimitPerMinute?: number | null;

  @ChoiceField(['none', 'required'], {
    description: 'required: it must sign its requests, and isn’t accepted as Bearer',
    example: 'none',
    optional: true,
  })
  signing?: 'none' | 'required';

  @ExpiryField()
  expiresAt?: string | null;
}

/** What is absent is as usual. */
export function draftOf(body: CreateKeyBody): KeyDraft {
  return {
    name: body.name,
    scopes: body.scopes,
    ownerId: body.ownerId ?? null,
    signing: body.signing ?? 'none',
    rateLimitPerMinute: body.rateLimitPerMinute,
    expiresAt: body.expiresAt ?? null,
  };
}

export class UpdateKeyBody {
  @TextField({ description: 'What it is for', example: 'Checkout service 2', optional: true })
  name?: string;

  @ScopesField({
    description: `What it may do from now on, all of it. ${hint}.`,
    example: ['accounts:read'],
    optional: true,
  })
  scopes?: Scope[];

  @RateLimitField()
  rateLimitPerMinute?: number | null;

  @ExpiryField()
  expiresAt?: string | null;
}

export class RotateKeyBody {
  @IntegerField(0, overlapSecondsMax, {
    description: 'How long the secret before this one works on; 0: it ends at once',
    example: 86_400,
  })
  overlapSeconds!: number;
}
