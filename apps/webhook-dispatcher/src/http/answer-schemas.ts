import {
  choice,
  errorSchema,
  listOf,
  newestFirst,
  object,
  one,
  page,
  pageMeta,
  type SchemaObject,
} from '#openapi';
import { documentedErrors } from './documented-errors.js';
import { resourceSchemas } from './resource-schemas.js';

/** The bodies of answers. */
export const answers = {
  EndpointAnswer: one('Endpoint'),
  EndpointWithSecretAnswer: one('EndpointWithSecret'),
  EndpointPage: newestFirst('Endpoint'),
  EndpointTestAnswer: one('EndpointTest'),
  RecoveryAnswer: one('Recovery'),
  RecoveryCountAnswer: one('RecoveryCount'),
  EndpointStatsAnswer: one('EndpointStats'),
  DeliveryAnswer: one('Delivery'),
  DeliveryWithAttemptsAnswer: one('DeliveryWithAttempts'),
  DeliveryPage: newestFirst('Delivery'),
  EventTypesAnswer: object({ data: listOf('EventType', 'In no order that means anything') }, 'All types.'),
  HealthAnswer: object({ status: choice(['ok'], 'ok, or the answer is an error') }, 'All is well.'),
};

export const schemas: Readonly<Record<string, SchemaObject>> = {
  ...resourceSchemas,
  Page: page,
  PageMeta: pageMeta,
  Error: errorSchema(documentedErrors),
  ...answers,
};
