import {
  choice,
  count,
  errorSchema,
  many,
  newestFirst,
  object,
  one,
  page,
  pageMeta,
  position,
  ref,
  text,
  type SchemaObject,
} from '#openapi';
import { jsonWebKeySet } from './access-schemas.js';
import { documentedErrors } from './documented-errors.js';
import { resourceSchemas, type ResourceName } from './resource-schemas.js';

const oneOr = (name: ResourceName, whenNull: string) =>
  object({ data: { anyOf: [ref(name), { type: 'null' }] } }, `${name}; null ${whenNull}.`);
/** A replay of a write whose data was erased since has none. */
const oneOrErased = (name: ResourceName) => oneOr(name, 'in a replay once it was erased');

const batchItem: SchemaObject = {
  description: 'What one of the transactions would have been answered alone',
  anyOf: [
    object(
      {
        status: { type: 'integer', enum: [201], description: 'It was made', examples: [201] },
        data: {
          description: 'The transaction; null in a replay once it was erased',
          anyOf: [ref('WrittenTransaction'), { type: 'null' }],
        },
        replayed: {
          type: 'boolean',
          enum: [true],
          description: 'It was made by an earlier request or item with its idempotencyKey',
        },
      },
      'A transaction that was made',
      ['replayed'],
    ),
    object(
      {
        status: count('The status of its error', 422),
        error: object(
          {
            code: text('What went wrong', 'insufficient_funds'),
            message: text('The same for people; it may change'),
            details: {
              type: 'array',
              description: 'The fields at fault',
              items: object(
                { path: text('Which one'), message: text('What is wrong with it') },
                'One fault of the transaction',
              ),
            },
          },
          'The one thing that is wrong',
          ['details'],
        ),
      },
      'A transaction that was refused',
    ),
  ],
};

/** The bodies of answers. */
export const answers = {
  AccountAnswer: one('Account'),
  OpenedAccountAnswer: oneOrErased('Account'),
  AccountPage: newestFirst('Account'),
  BalanceAnswer: object(
    { data: { anyOf: [ref('Balance'), ref('BalanceAt')] } },
    'Balance; with `at`, BalanceAt.',
  ),
  EntryPage: newestFirst('Entry'),
  TransactionAnswer: one('Transaction'),
  WrittenTransactionAnswer: oneOrErased('WrittenTransaction'),
  TransactionPage: newestFirst('Transaction'),
  BatchAnswer: object(
    {
      data: { type: 'array', description: 'In the order of the request', items: batchItem },
      meta: object(
        { succeeded: count('How many were made', 1), refused: count('How many were refused', 0) },
        'What became of the batch as a whole',
      ),
    },
    'What became of each transaction of a batch.',
  ),
  StatementAnswer: one('Statement'),
  ExchangeRateAnswer: one('ExchangeRate'),
  ExchangeRatePage: newestFirst('ExchangeRate'),
  AddedCurrencyAnswer: oneOrErased('Currency'),
  CurrencyPage: newestFirst('Currency'),
  ClosedPeriodAnswer: oneOr('ClosedPeriod', 'where the books were never closed'),
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
  ApiKeyAnswer: one('ApiKey'),
  ApiKeyWithSecretAnswer: one('ApiKeyWithSecret'),
  ApiKeyPage: newestFirst('ApiKey'),
  ClientTokenAnswer: one('ClientToken'),
  JsonWebKeySet: jsonWebKeySet,
  OrganizationAnswer: one('Organization'),
  OrganizationPage: newestFirst('Organization'),
  NewLedgerAnswer: one('NewLedger'),
  LedgerPage: newestFirst('Ledger'),
  AuditLogPage: newestFirst('AuditEntry'),
  HealthAnswer: object({ status: choice(['ok'], 'ok, or the answer is an error') }, 'All is well.'),
};

export const schemas: Readonly<Record<string, SchemaObject>> = {
  ...resourceSchemas,
  Page: page,
  PageMeta: pageMeta,
  Error: errorSchema(documentedErrors),
  ...answers,
};
