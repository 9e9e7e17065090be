import { accountIdPattern, decodeTypeId, eventTypes } from '#contracts';
import { MayBeMissing } from '#http';
import {
  BooleanField,
  ChoiceField,
  field,
  IntegerField,
  rule,
  TextField,
  TimeField,
  type FieldOptions,
} from '#openapi';
import {
  accountIdsMax,
  eventTypeCharactersMax,
  eventTypesMax,
  maxConcurrencyDefault,
  maxConcurrencyMax,
  overlapSecondsDefault,
  overlapSecondsMax,
  rateLimitPerSecondMax,
  urlCharactersMax,
} from './endpoint-limits.js';
import { orderings, type Ordering } from './endpoint.js';

const word = '[a-z][a-z0-9_-]*';
const eventTypePattern = new RegExp(`^(\\*|${word}(\\.${word})+|${word}(\\.${word})*\\.\\*)$`);

const isEventTypePattern = (value: unknown): boolean =>
  typeof value === 'string' && value.length <= eventTypeCharactersMax && eventTypePattern.test(value);

/** Types that no release writes yet are legal: what is wanted of the future can be asked for today. */
const EventTypesField = (options: FieldOptions) =>
  field(
    options,
    {
      type: 'array',
      items: { type: 'string', pattern: eventTypePattern.source, maxLength: eventTypeCharactersMax },
      minItems: 1,
      maxItems: eventTypesMax,
    },
    rule(
      'eventTypes',
      `must be 1 to ${eventTypesMax} event types, such as transaction.posted, transaction.* or *`,
      (value) =>
        Array.isArray(value) &&
        value.length >= 1 &&
        value.length <= eventTypesMax &&
        value.every(isEventTypePattern),
    ),
  );

const AccountIdsField = (options: FieldOptions) =>
  field(
    options,
    { type: 'array', items: { type: 'string', pattern: accountIdPattern }, maxItems: accountIdsMax },
    rule(
      'accountIds',
      `must be at most ${accountIdsMax} account ids (acc_…)`,
      (value) =>
        Array.isArray(value) &&
        value.length <= accountIdsMax &&
        value.every((item) => typeof item === 'string' && decodeTypeId('acc', item) !== null),
    ),
  );

const HeadersField = (options: FieldOptions) =>
  field(
    options,
    { type: 'object', additionalProperties: { type: 'string' }, maxProperties: 20 },
    rule('headers', 'must be an object of strings, by the names of headers', isStringsByName),
  );

function isStringsByName(value: unknown): boolean {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return false;
  return Object.values(value).every((text) => typeof text === 'string');
}

const LegacySignatureField = (options: FieldOptions) =>
  field(
    options,
    {
      type: 'object',
      properties: { header: { type: 'string', description: 'The header that carries it' } },
      additionalProperties: false,
    },
    rule(
      'legacySignature',
      'must be {"header": the name of a header}',
      (value) => isStringsByName(value) && Object.keys(value as object).join() === 'header',
    ),
  );

const UrlField = (options: FieldOptions) =>
  field(
    options,
    { type: 'string', format: 'uri', maxLength: urlCharactersMax },
    rule(
      'url',
      `must be a string of 1 to ${urlCharactersMax} characters`,
      (value) => typeof value === 'string' && value !== '' && value.length <= urlCharactersMax,
    ),
  );

const urlDescription =
  'Where webhooks are sent: https, port 443, 80 or from 1024 up, no address that is not public';

/** What is left out has its default in a new endpoint, and stays as it is in another. Null takes away. */
class EndpointParts {
  @EventTypesField({ description: 'Which events it gets; all where absent', optional: true })
  eventTypes?: readonly string[];

  @AccountIdsField({
    description: 'Only events that touch one of these accounts; empty for those of all',
    optional: true,
  })
  accountIds?: readonly string[];

  @TextField({ description: 'Yours to use', optional: true, nullable: true })
  description?: string | null;

  @ChoiceField(orderings, {
    description: 'account: the events of an account are sent one after the other; none where absent',
    optional: true,
  })
  ordering?: Ordering;

  @IntegerField(1, rateLimitPerSecondMax, {
    description: 'Attempts per second at most; null for no limit',
    optional: true,
    nullable: true,
  })
  rateLimitPerSecond?: number | null;

  @IntegerField(1, maxConcurrencyMax, {
    description: `Attempts at one time at most; ${maxConcurrencyDefault} where absent`,
    optional: true,
  })
  maxConcurrency?: number;

  @HeadersField({ description: 'Sent with every webhook; replaced whole', optional: true })
  headers?: Readonly<Record<string, string>>;

  @LegacySignatureField({
    description: 'Adds `sha256=<hex HMAC-SHA256 of the body>` in this header; null for none',
    optional: true,
    nullable: true,
  })
  legacySignature?: { readonly header: string } | null;
}

export class CreateEndpointBody extends EndpointParts {
  @UrlField({ description: urlDescription })
  url!: string;
}

export class UpdateEndpointBody extends EndpointParts {
  @UrlField({ description: urlDescription, optional: true })
  url?: string;
}

export type EndpointBody = CreateEndpointBody | UpdateEndpointBody;

@MayBeMissing()
export class RotateSecretBody {
  @IntegerField(0, overlapSecondsMax, {
    description: `How long the secret before it signs too; ${overlapSecondsDefault} where absent`,
    optional: true,
  })
  overlapSeconds?: number;
}

export class TestEndpointBody {
  @ChoiceField(eventTypes.map(({ type }) => type), { description: 'Whose example is sent' })
  eventType!: string;
}

export class RecoverEndpointBody {
  @TimeField({ description: 'Events recorded at this time or later', example: '2026-01-31T00:00:00Z' })
  since!: string;

  @TimeField({ description: 'Events recorded before this time; now where absent', optional: true })
  until?: string;

  @EventTypesField({
    description: 'Of those that the endpoint gets, only these; all where absent',
    optional: true,
  })
  eventTypes?: readonly string[];

  @BooleanField({ description: 'true: only tell how many there are', optional: true })
  dryRun?: boolean;
}
