import { errorCodes, errorExample } from './documented-errors.js';
import { resourceSchemas, type ResourceName } from './resource-schemas.js';
import {
  choice,
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

/** The bodies of answers: resources in their envelopes, pages, and errors. */
const page = object(
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

const pageMeta = object(
  { page: ref('Page'), position: position('How far the list had followed the journal') },
  'What is known of the list as a whole',
);

const error: SchemaObject = {
  ...object(
    {
      error: object(
        {
          code: text('What went wrong; stable, and never reused for something else', 'validation_error', {
            enum: [...errorCodes],
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
  examples: [errorExample('validation_error')],
};

const one = (name: ResourceName) => object({ data: ref(name) }, `${name}, by itself.`);

/** A replay of a write whose data was erased since has none. */
const oneOrErased = (name: ResourceName) =>
  object({ data: { anyOf: [ref(name), { type: 'null' }] } }, `${name}; null in a replay once it was erased.`);

const many = (name: ResourceName, order: string, meta: SchemaObject | ReferenceObject) =>
  object({ data: listOf(name, order), meta }, `A list of ${name}.`);

const newestFirst = (name: ResourceName) => many(name, 'Newest first', ref('PageMeta'));

const answers = {
  AccountAnswer: one('Account'),
  OpenedAccountAnswer: oneOrErased('Account'),
  AccountPage: newestFirst('Account'),
  BalanceAnswer: one('Balance'),
  EntryPage: newestFirst('Entry'),
  TransactionAnswer: one('Transaction'),
  WrittenTransactionAnswer: oneOrErased('WrittenTransaction'),
  TransactionPage: newestFirst('Transaction'),
  EventPage: many(
    'Event',
    'In the order of the journal',
    object(
      {
        headPosition: position('The position of the newest event', '42'),
        nextAfter: position('`after` of the next page'),
      },
      'Where the page is in the journal',
    ),
  ),
  TrialBalanceAnswer: many(
    'TrialBalanceLine',
    'One line per currency',
    object({ position: position("The ledger's position at which it was so") }, 'What the sums are of'),
  ),
  HealthAnswer: object({ status: choice(['ok'], 'ok, or the answer is an error') }, 'All is well.'),
};

export type AnswerName = keyof typeof answers;

export const schemas: Readonly<Record<string, SchemaObject>> = {
  ...resourceSchemas,
  Page: page,
  PageMeta: pageMeta,
  Error: error,
  ...answers,
};

export function answerExample(name: AnswerName): unknown {
  return exampleOf(answers[name]);
}

/** Put together from the examples of its parts; a property without one is left out. */
function exampleOf(schema: SchemaObject | ReferenceObject): unknown {
  if ('$ref' in schema) return exampleOf(schemas[schema.$ref.split('/').at(-1) ?? '']!);
  if (schema.examples) return schema.examples[0];
  if (schema.anyOf?.[0]) return exampleOf(schema.anyOf[0] as SchemaObject);
  if (schema.items) return [exampleOf(schema.items as SchemaObject)];
  if (!schema.properties) return undefined;
  const properties = Object.entries(schema.properties as Record<string, SchemaObject>);
  const examples = properties.map(([name, property]) => [name, exampleOf(property)] as const);
  return Object.fromEntries(examples.filter(([, example]) => example !== undefined));
}
