export interface ErrorDetail {
  /** The field, query parameter or header that it is about. */
  readonly path: string;
  readonly message: string;
}

/** An answer that is an error: thrown anywhere, rendered by the error filter alone. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly details: readonly ErrorDetail[] = [],
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }
}

/** An answer names so many of a request's faults, however many it has. */
export const detailsMax = 20;

export function validationError(details: readonly ErrorDetail[]): ApiError {
  const [first] = details;
  return new ApiError(
    400,
    'validation_error',
    first ? `${first.path}: ${first.message}` : 'the request is not valid',
    details.slice(0, detailsMax),
  );
}

/** A condition that passes: the client may try again after the seconds given. */
export function unavailableError(code: string, message: string, retryAfterSeconds = 1): ApiError {
  return new ApiError(503, code, message, [], { 'retry-after': String(retryAfterSeconds) });
}
