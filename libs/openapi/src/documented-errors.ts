import { duplicateRequest, rateLimited } from '#access';
import { ApiError, conventionError, unavailableError, validationError } from '#http';
import { InvalidCursor, PageTooDeep } from '#platform';
import { exampleRequestId } from './documented-headers.js';

/**
 * The errors that any app can answer with, by code, each an example of itself. Each is made by the function that
 * makes it in earnest, so that the document can't show another status than the API.
 */
export const requestErrors = {
  validation_error: validationError([{ path: 'amonut', message: 'is not known here' }]),
  invalid_cursor: translated(new InvalidCursor()),
  page_too_deep: translated(new PageTooDeep()),
  unauthorized: new ApiError(401, 'unauthorized', 'a valid API key or signature is needed'),
  duplicate_request: duplicateRequest(),
  rate_limited: rateLimited(100, 27),
  forbidden: new ApiError(403, 'forbidden', 'this key may not do that'),
  not_found: new ApiError(404, 'not_found', 'there is no such route'),
};

export const conventionErrors = {
  method_not_allowed: new ApiError(405, 'method_not_allowed', 'allowed here: GET, HEAD'),
  not_acceptable: new ApiError(406, 'not_acceptable', 'answers are application/json'),
  payload_too_large: new ApiError(413, 'payload_too_large', 'the body is too large'),
  unsupported_media_type: new ApiError(415, 'unsupported_media_type', 'the body must be application/json'),
  internal: new ApiError(500, 'internal', 'something went wrong; the log has it under the request id'),
};

export const unavailable = unavailableError('unavailable', 'the database is not available');

/** Those that an app's own errors are added to. */
export type ConventionCode = keyof typeof requestErrors | keyof typeof conventionErrors | 'unavailable';

/** What is wrong with a status, in the words of HTTP; an app says what 409, 412 and 422 are in its own. */
export const errorStatusNames: Readonly<Record<number, string>> = {
  400: 'The request is not valid',
  401: 'No valid API key, token or signature was sent',
  403: 'The key may not do that',
  404: 'There is no such thing, or the caller may not see it',
  405: 'The path has no such method',
  406: 'The caller accepts no JSON',
  409: 'A signed request came twice',
  413: 'The body is too large',
  415: 'The body is not JSON',
  422: 'The request is understood and refused',
  429: 'The key has made as many requests as it may in this minute',
  500: 'A bug; the log has it under the request id',
  503: 'It passes: try again after the seconds that Retry-After gives',
};

export function errorExample({ code, message, details }: ApiError) {
  return {
    error: { code, message, ...(details.length > 0 ? { details } : {}), requestId: exampleRequestId },
  };
}

function translated(error: Error): ApiError {
  const known = conventionError(error);
  if (!known) throw new Error(`${error.message}: it would be answered as a bug`);
  return known;
}
