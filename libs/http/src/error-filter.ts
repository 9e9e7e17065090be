import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiError } from './api-error.js';
import type { AllowedMethods } from './allowed-methods.js';

const codesByStatus: Readonly<Record<number, readonly [code: string, message: string]>> = {
  400: ['validation_error', 'the request is malformed'],
  404: ['not_found', 'there is no such resource'],
  413: ['payload_too_large', 'the body is too large'],
  414: ['validation_error', 'the URL is too long'],
  415: ['unsupported_media_type', 'the body must be application/json'],
};

/** The one place where an error becomes an answer. What it doesn't know is a bug: logged, and told as 500. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  constructor(
    private readonly allowedMethods: AllowedMethods,
    /** The app's own errors; null for one that it doesn't know. */
    private readonly translate: (error: unknown) => ApiError | null,
    private readonly countError: (code: string) => void,
  ) {}

  catch(exception: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    const error = this.toApiError(exception, request);
    this.countError(error.code);
    void reply
      .code(error.status)
      .headers({ ...error.headers, 'content-type': 'application/json; charset=utf-8' })
      .send(errorBody(error, request.id));
  }

  private toApiError(exception: unknown, request: FastifyRequest): ApiError {
    if (exception instanceof ApiError) return exception;
    const translated = this.translate(exception);
    if (translated) return translated;
    const status = statusOf(exception);
    // Where there is no route, nothing else about the request matters.
    if (status !== null && status < 500 && request.is404) return this.noRoute(request);
    const known = status === null ? undefined : codesByStatus[status];
    if (status !== null && known) return new ApiError(status, known[0], known[1]);
    request.log.error({ err: exception, requestId: request.id }, 'a request failed');
    return new ApiError(500, 'internal', 'something went wrong; the log has it under the request id');
  }

  private noRoute(request: FastifyRequest): ApiError {
    const methods = this.allowedMethods.of(request.url);
    const isKnown = methods.length > 0 && !methods.includes(request.method);
    if (!isKnown) return new ApiError(404, 'not_found', 'there is no such route');
    const allow = methods.join(', ');
    return new ApiError(405, 'method_not_allowed', `allowed here: ${allow}`, [], { allow });
  }
}

export function errorBody(error: ApiError, requestId: string) {
  const { code, message, details } = error;
  return { error: { code, message, ...(details.length > 0 ? { details } : {}), requestId } };
}

function statusOf(exception: unknown): number | null {
  if (exception instanceof HttpException) return exception.getStatus();
  const status = (exception as { statusCode?: unknown } | null)?.statusCode;
  return typeof status === 'number' ? status : null;
}
