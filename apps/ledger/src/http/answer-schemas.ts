import {
  choice,
  errorSchema,
  many,
  newestFirst,
  object,
  one,
  page,
  pageMeta,
  position,
  ref,
  type SchemaObject,
} from '#openapi';
import { jsonWebKeySet } from './access-schemas.js';
import { documentedErrors } from './documented-errors.js';
import { resourceSchemas, type ResourceName } from './resource-schemas.js';

/** A replay of a write whose data was erased since has none. */
const oneOrErased = (name: ResourceName) =>
  object({ data: { anyOf: [ref(name), { type: 'null' }] } }, `${name}; null in a replay once it was erased.`);

/** The bodies of answers. */
export const answers = {
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
