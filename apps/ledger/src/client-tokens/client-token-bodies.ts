import { scopes, tokenSecondsMax, type Scope } from '#access';
import { IntegerField, TextField } from '#openapi';
import { ScopesField } from '../http/fields.js';

export class IssueClientTokenBody {
  @TextField({ description: 'Whose accounts it opens, and no others', example: 'alice' })
  ownerId!: string;

  @ScopesField({
    description: 'What it may do: scopes that the issuing key has',
    example: scopes.slice(0, 1),
  })
  scopes!: Scope[];

  @IntegerField(1, tokenSecondsMax, {
    description: `How long it lives; ${tokenSecondsMax} where absent`,
    optional: true,
    example: 300,
  })
  ttlSeconds?: number;
}
