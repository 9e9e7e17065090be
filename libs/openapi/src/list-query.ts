import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { ValidateBy, ValidateIf } from 'class-validator';
import { validationError } from '#http';
import {
  pageLimitDefault,
  pageLimitMax,
  parseTimestamp,
  rowsBefore,
  type Page,
  type PageRequest,
} from '#platform';

/** What the document says of its values; its rule is what counts. */
interface ParameterSchema {
  readonly type?: 'string' | 'integer' | 'boolean';
  readonly enum?: readonly string[];
  readonly example?: string;
  readonly pattern?: string;
  readonly format?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly default?: number;
  /** Absent: it may be missing. */
  readonly required?: boolean;
}

/** A query parameter, given as text and checked by its rule. */
export function parameter(
  description: string,
  schema: ParameterSchema,
  message: string,
  isValid: (text: string) => boolean,
) {
  const { enum: choices, example, required = false, ...rest } = schema;
  return applyDecorators(
    ValidateIf((_, value) => required || value !== undefined),
    ApiProperty({
      type: 'string',
      ...rest,
      ...(choices ? { enum: [...choices] } : {}),
      ...(example === undefined ? {} : { example: schema.type === 'integer' ? Number(example) : example }),
      description,
      required,
    }),
    ValidateBy({
      name: 'parameter',
      validator: {
        validate: (value) => typeof value === 'string' && isValid(value),
        defaultMessage: () => message,
      },
    }),
  );
}

export const TextParameter = (description: string) =>
  parameter(
    description,
    { minLength: 1, maxLength: 256 },
    'must have 1 to 256 characters',
    (text) => text.length > 0 && [...text].length <= 256,
  );

export const ChoiceParameter = (choices: readonly string[], description: string) =>
  parameter(description, { enum: choices }, `must be one of ${choices.join(', ')}`, (text) =>
    choices.includes(text),
  );

export const TimeParameter = (description: string, { required = false } = {}) =>
  parameter(
    description,
    { format: 'date-time', example: '2026-01-31T00:00:00Z', required },
    'must be a time in ISO 8601 with a zone',
    (text) => parseTimestamp(text) !== null,
  );

const isPositiveInteger = (text: string) => /^[1-9][0-9]{0,29}$/.test(text);

/** What every list takes. */
export class ListQuery {
  @parameter(
    `Rows of a page, 1 to ${pageLimitMax}; ${pageLimitDefault} where absent`,
    { type: 'integer', minimum: 1, maximum: pageLimitMax, default: pageLimitDefault, example: '20' },
    `must be a whole number from 1 to ${pageLimitMax}`,
    (text) => isPositiveInteger(text) && Number(text) <= pageLimitMax,
  )
  'page[limit]'?: string;

  @parameter(
    'Page number from 1, for the first 10,000 rows',
    { type: 'integer', minimum: 1, maximum: 999_999_999, example: '1' },
    'must be a whole number above zero',
    isPositiveInteger,
  )
  'page[page]'?: string;

  @parameter(
    'meta.page.nextCursor of the page before, with the same filters; not beside page[page]',
    { minLength: 1, maxLength: 512 },
    'must be a cursor',
    () => true,
  )
  'page[cursor]'?: string;

  @parameter(
    'true: meta.page.total as well',
    { enum: ['true', 'false'] },
    'must be true or false',
    (text) => text === 'true' || text === 'false',
  )
  'page[total]'?: string;

  @parameter(
    'eventual: answer at once, maybe without the newest writes',
    { enum: ['strong', 'eventual'] },
    'must be strong or eventual',
    (text) => text === 'strong' || text === 'eventual',
  )
  consistency?: 'strong' | 'eventual';
}

export function readPageRequest(query: ListQuery): PageRequest {
  const cursor = query['page[cursor]'] ?? null;
  if (cursor !== null && query['page[page]'] !== undefined) {
    throw validationError([{ path: 'page[cursor]', message: 'goes without page[page]' }]);
  }
  const request = {
    limit: Number(query['page[limit]'] ?? pageLimitDefault),
    number: Number(query['page[page]'] ?? 1),
    cursor,
    wantsTotal: query['page[total]'] === 'true',
  };
  // One that is too deep is refused here, before anything is looked up that may be forbidden or not there.
  rowsBefore(request);
  return request;
}

/** Microseconds since 1970, of text that its class has checked. */
export function readTime(text: string, path: string): bigint {
  const micros = parseTimestamp(text);
  if (micros === null) throw validationError([{ path, message: 'is not a time' }]);
  return micros;
}

/** The time bounds of `filter[createdAt][…]`; absent ones are left out. */
export function readTimes(query: object): { gte?: bigint; gt?: bigint; lte?: bigint; lt?: bigint } {
  const bounds: { gte?: bigint; gt?: bigint; lte?: bigint; lt?: bigint } = {};
  for (const bound of ['gte', 'gt', 'lte', 'lt'] as const) {
    const path = `filter[createdAt][${bound}]`;
    const text = (query as Record<string, string | undefined>)[path];
    if (text !== undefined) bounds[bound] = readTime(text, path);
  }
  return bounds;
}

/** A page as it is answered. */
export function pageAnswer<Item>(page: Page<Item>, toJson: (item: Item) => object) {
  return {
    data: page.items.map(toJson),
    meta: {
      page: {
        limit: page.limit,
        number: page.number,
        hasMore: page.hasMore,
        nextCursor: page.nextCursor,
        ...(page.total
          ? { total: page.total.count, ...(page.total.isCapped ? { totalIsCapped: true } : {}) }
          : {}),
      },
      position: page.position.toString(),
    },
  };
}
