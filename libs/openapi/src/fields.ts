import { applyDecorators } from '@nestjs/common';
import { ApiProperty, type ApiPropertyOptions } from '@nestjs/swagger';
import { ValidateBy, ValidateIf } from 'class-validator';
import { ItemsOf, type DtoClass } from '#http';
import { parseTimestamp } from '#platform';

/** Fields of request bodies: each decorator is the rule and its documentation. */
export interface FieldOptions {
  readonly description: string;
  readonly example?: unknown;
  /** Optional fields may be missing; nullable ones may also be null. */
  readonly optional?: boolean;
  readonly nullable?: boolean;
}

export function field(options: FieldOptions, schema: ApiPropertyOptions, ...rules: PropertyDecorator[]) {
  const { optional = false, nullable = false, description, example } = options;
  const presence = ValidateIf((dto: Record<string | symbol, unknown>, value) => {
    if (value === undefined) return !optional;
    return !(value === null && nullable);
  });
  const documentation = {
    ...schema,
    description,
    required: !optional,
    nullable,
    ...(example === undefined ? {} : { example }),
  } as ApiPropertyOptions;
  return applyDecorators(presence, ApiProperty(documentation), ...rules);
}

export function rule(
  name: string,
  message: string,
  validate: (value: unknown) => boolean,
): PropertyDecorator {
  return ValidateBy({ name, validator: { validate, defaultMessage: () => message } });
}

const textLengthMax = 256;

function isText(value: unknown): boolean {
  if (typeof value !== 'string' || value === '') return false;
  // It has no more characters than units.
  return value.length <= textLengthMax || [...value].length <= textLengthMax;
}

/** 1–256 characters (code points). */
export const TextField = (options: FieldOptions) =>
  field(
    options,
    { type: 'string', minLength: 1, maxLength: textLengthMax },
    rule('text', `must be a string of 1 to ${textLengthMax} characters`, isText),
  );

export const ChoiceField = (choices: readonly string[], options: FieldOptions) =>
  field(
    options,
    { type: 'string', enum: [...choices] },
    rule('choice', `must be one of ${choices.join(', ')}`, (value) => choices.includes(value as string)),
  );

export const IntegerField = (minimum: number, maximum: number, options: FieldOptions) =>
  field(
    options,
    { type: 'integer', minimum, maximum },
    rule(
      'integer',
      `must be a whole number from ${minimum} to ${maximum}`,
      (value) => Number.isInteger(value) && (value as number) >= minimum && (value as number) <= maximum,
    ),
  );

export const BooleanField = (options: FieldOptions) =>
  field(
    options,
    { type: 'boolean' },
    rule('boolean', 'must be true or false', (value) => typeof value === 'boolean'),
  );

export const TimeField = (options: FieldOptions) =>
  field(
    options,
    { type: 'string', format: 'date-time' },
    rule(
      'time',
      'must be a time in ISO 8601 with a zone',
      (value) => typeof value === 'string' && parseTimestamp(value) !== null,
    ),
  );

/** A list of objects, each of which is checked as the class says. */
export const ListField = (
  itemClass: DtoClass,
  [minimum, maximum]: readonly [number, number],
  options: FieldOptions,
) =>
  field(
    options,
    { type: itemClass, isArray: true, minItems: minimum, maxItems: maximum },
    rule(
      'list',
      `must be a list of ${minimum} to ${maximum} objects`,
      (value) => Array.isArray(value) && value.length >= minimum && value.length <= maximum,
    ),
    ItemsOf(itemClass),
  );

type FieldGroups = readonly (readonly string[])[];
interface Alternatives {
  readonly oneOf?: FieldGroups;
  readonly anyOf?: FieldGroups;
}

const alternativesOfClasses = new Map<string, Alternatives>();

/** For the document, which groups of fields a body of the class has exactly one of, or one at least. */
export const Alternatives =
  (alternatives: Alternatives): ClassDecorator =>
  ({ name }) => {
    alternativesOfClasses.set(name, alternatives);
  };

/** By the name of its class, what a schema says of them. */
export function alternativesOf(className: string) {
  const { oneOf, anyOf } = alternativesOfClasses.get(className) ?? {};
  const schemas = (groups: FieldGroups) => groups.map((required) => ({ required: [...required] }));
  return { ...(oneOf ? { oneOf: schemas(oneOf) } : {}), ...(anyOf ? { anyOf: schemas(anyOf) } : {}) };
}
