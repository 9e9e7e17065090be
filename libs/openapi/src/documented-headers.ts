import type { SchemaObject } from './schema-parts.js';

export interface RequestHeader {
  readonly description: string;
  readonly required: boolean;
  readonly schema: SchemaObject;
}

export interface AnswerHeader {
  readonly description: string;
  readonly schema: SchemaObject;
}

export const exampleRequestId = '3f0a5f86-6d0b-4b52-8f3e-0f6b7e7f9d1c';

export function headerText(example: string, rest: SchemaObject = {}): SchemaObject {
  return { type: 'string', ...rest, examples: [example] };
}

const digits = { pattern: '^[0-9]+$' };

/** Headers that every request may have, by name. */
export const requestHeaders = {
  'X-Request-Id': {
    description:
      "The caller's id of the request: 1 to 128 visible ASCII characters; another is replaced. The answer has it.",
    required: false,
    schema: headerText(exampleRequestId),
  },
} satisfies Record<string, RequestHeader>;

/** Headers that the conventions put on answers, by name. */
export const answerHeaders = {
  'X-Request-Id': {
    description: 'The id of the request, as the log has it',
    schema: headerText(exampleRequestId),
  },
  'X-RateLimit-Limit': {
    description:
      'Requests that the key may make in a minute; the three are there for a key with a limit alone',
    schema: headerText('6000', digits),
  },
  'X-RateLimit-Remaining': {
    description: 'How many of them are left in this minute, which began with the first',
    schema: headerText('5999', digits),
  },
  'X-RateLimit-Reset': {
    description: 'When the minute is over, in seconds since 1970',
    schema: headerText('1769850987', digits),
  },
  'Retry-After': {
    description: 'Seconds after which to try again',
    schema: headerText('1', digits),
  },
  Allow: { description: 'The methods that the path has', schema: headerText('GET, HEAD') },
  'WWW-Authenticate': { description: 'How to authenticate', schema: headerText('Bearer') },
} satisfies Record<string, AnswerHeader>;

/** What every answer to a key with a limit has. */
export const rateLimitHeaders = [
  'X-RateLimit-Limit',
  'X-RateLimit-Remaining',
  'X-RateLimit-Reset',
] as const satisfies readonly (keyof typeof answerHeaders)[];
