import type { OpenAPIObject } from '@nestjs/swagger';

type Components = NonNullable<OpenAPIObject['components']>;
type SchemaOrReference = NonNullable<Components['schemas']>[string];
export type ReferenceObject = Extract<SchemaOrReference, { $ref: string }>;
export type SchemaObject = Omit<Exclude<SchemaOrReference, ReferenceObject>, 'examples'> & {
  examples?: unknown[];
};

/** A TypeID of 128 bits in Crockford's base32, which has no i, l, o or u. */
export const typeIdSuffix = '[0-7][0-9a-hjkmnp-tv-z]{25}';

export const typeIdPattern = (prefix: string) => `^${prefix}_${typeIdSuffix}$`;

export function text(description: string, example?: unknown, rest: SchemaObject = {}): SchemaObject {
  return { type: 'string', ...rest, description, ...(example === undefined ? {} : { examples: [example] }) };
}

export const typeId = (prefix: string, description: string, example: string) =>
  text(description, example, { pattern: typeIdPattern(prefix) });

export const position = (description: string, example = '17') =>
  text(description, example, { pattern: '^(0|[1-9][0-9]*)$' });

export const time = (description: string, example = '2026-01-31T09:15:27.482913Z') =>
  text(`${description}: ISO 8601 in UTC with microseconds`, example, {
    format: 'date-time',
    pattern: '\\.[0-9]{6}Z$',
  });

export const count = (description: string, example: number): SchemaObject => ({
  type: 'integer',
  minimum: 0,
  description,
  examples: [example],
});

export const choice = (choices: readonly string[], description: string): SchemaObject =>
  text(description, choices[0], { enum: [...choices] });

/** The same schema where null is a value too, shown in its place. */
export function nullable(schema: SchemaObject, example: unknown = schema.examples?.[0]): SchemaObject {
  const { type, examples: _, ...rest } = schema;
  const choices = schema.enum as unknown[] | undefined;
  return {
    ...rest,
    type: [type as string, 'null'],
    ...(choices ? { enum: [...choices, null] } : {}),
    ...(example === undefined ? {} : { examples: [example] }),
  };
}

export const listOf = (name: string, description: string): SchemaObject => ({
  type: 'array',
  items: ref(name),
  description,
});

/** Every property is there always, those named optional aside. */
export function object(
  properties: Record<string, SchemaObject | ReferenceObject>,
  description: string,
  optional: readonly string[] = [],
): SchemaObject {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: 'object', description, required, properties };
}

export function ref(name: string): ReferenceObject {
  return { $ref: `#/components/schemas/${name}` };
}
