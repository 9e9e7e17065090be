import { ApiError, unavailableError } from '#http';
import { endpointsPerLedgerMax } from '../endpoints/endpoint-limits.js';

/** The dispatcher's own refusals, each with its code and status: the only place of its kind. */
export const endpointNotFound = () => new ApiError(404, 'not_found', 'there is no such endpoint');

export const deliveryNotFound = () => new ApiError(404, 'not_found', 'there is no such delivery');

export const tooManyEndpoints = () =>
  new ApiError(409, 'too_many_endpoints', `a ledger has at most ${endpointsPerLedgerMax} endpoints`);

export const endpointDeleted = () =>
  new ApiError(409, 'endpoint_deleted', 'the endpoint of this delivery was deleted');

export const endpointDisabled = () =>
  new ApiError(
    409,
    'endpoint_disabled',
    'the endpoint is disabled and would be sent nothing; enable it first',
  );

export const deliveryNotEnded = () =>
  new ApiError(409, 'delivery_not_ended', 'the delivery is under way; it can be retried once it has ended');

export const testsOverloaded = () =>
  unavailableError('overloaded', 'too many endpoints are being tested at this moment');
