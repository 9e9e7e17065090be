import { errorExample } from './documented-errors.js';
import {
  count,
  listOf,
  nullable,
  object,
  position,
  ref,
  text,
  type ReferenceObject,
  type SchemaObject,
} from './schema-parts.js';
import type { ApiError } from '#http';

/** The bodies of answers: resources in their envelopes, pages, and errors. */
export const page = object(
  {
    limit: { ...count('Rows that a page may have', 20), minimum: 1, maximum: 100 },
    number: nullable({ ...count('From 1; null for a page by cursor, and for a short one', 1), minimum: 1 }),
    hasMore: { type: 'boolean', description: 'Whether there may be further rows', examples: [true] },
    nextCursor: nullable(text('page[cursor] of the next page; null on the last', 'T1pYb3RtN2hQd2VrMTc')),
    total: { type: 'integer', minimum: 0, description: 'All rows; there with page[total]=true alone' },
    totalIsCapped: { type: 'boolean', description: 'true: there are more rows than total says' },
  },
  'Where a page is in its list. It may be short while hasMore is true: go on with the cursor.',
  ['total', 'totalIsCapped'],
);

export const pageMeta = object(
  { page: ref('Page'), position: position('How far the list had followed the journal') },
  'What is known of the list as a whole',
);

export function errorSchema(errors: Readonly<Record<string, ApiError>>): SchemaObject {
  const [first] = Object.values(errors);
  return {
    ...object(
      {
        error: object(
          {
            code: text('What went wrong; stable, and never reused for something else', first?.code, {
              enum: Object.keys(errors),
            }),
            message: text('The same for people; it may change'),
            details: {
              type: 'array',
              description: 'The fields, parameters or headers at fault',
              items: object(
                { path: text('Which one'), message: text('What is wrong with it') },
                'One fault of the request',
              ),
            },
            requestId: text('X-Request-Id of the answer, by which the log is searched'),
          },
          'The one thing that is wrong; checks have a fixed order',
          ['details'],
        ),
      },
      'Every answer that is not 2xx.',
    ),
    examples: first ? [errorExample(first)] : [],
  };
}

export const one = (name: string) => object({ data: ref(name) }, `${name}, by itself.`);

export const many = (name: string, order: string, meta: SchemaObject | ReferenceObject) =>
  object({ data: listOf(name, order), meta }, `A list of ${name}.`);

export const newestFirst = (name: string) => many(name, 'Newest first', ref('PageMeta'));

/** Put together from the examples of its parts; a property without one is left out. */
export function exampleOf(
  schema: SchemaObject | ReferenceObject,
  schemas: Readonly<Record<string, SchemaObject>>,
): unknown {
  if ('$ref' in schema) return exampleOf(schemas[schema.$ref.split('/').at(-1) ?? '']!, schemas);
  if (schema.examples) return schema.examples[0];
  if (schema.anyOf?.[0]) return exampleOf(schema.anyOf[0] as SchemaObject, schemas);
  if (schema.items) return [exampleOf(schema.items as SchemaObject, schemas)];
  if (!schema.properties) return undefined;
  const properties = Object.entries(schema.properties as Record<string, SchemaObject>);
  const examples = properties.map(([name, property]) => [name, exampleOf(property, schemas)] as const);
  return Object.fromEntries(examples.filter(([, example]) => example !== undefined));
}
