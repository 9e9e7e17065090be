import type { ApiError } from '#http';
import { conventionErrors, requestErrors, unavailable } from '#openapi';
import {
  deliveryNotEnded,
  endpointDeleted,
  endpointDisabled,
  testsOverloaded,
  tooManyEndpoints,
} from './refusals.js';

/** Every error that the dispatcher answers with. */
export const documentedErrors = {
  ...requestErrors,
  ...conventionErrors,
  too_many_endpoints: tooManyEndpoints(),
  endpoint_deleted: endpointDeleted(),
  endpoint_disabled: endpointDisabled(),
  delivery_not_ended: deliveryNotEnded(),
  overloaded: testsOverloaded(),
  unavailable,
} satisfies Record<string, ApiError>;

/** What the statuses of its own errors mean here. */
export const statusNames: Readonly<Record<number, string>> = {
  409: 'The state of the endpoint or the delivery does not allow it, or a signed request came twice',
};
