import { applyDecorators, RequestMethod } from '@nestjs/common';
import { METHOD_METADATA } from '@nestjs/common/constants.js';
import { FASTIFY_ROUTE_CONFIG_METADATA } from '@nestjs/platform-fastify/constants.js';
import { ApiExtension, ApiHeader, ApiOperation, ApiParam, ApiResponse } from '@nestjs/swagger';
import type { RouteAccess } from '#access';
import { answerExample, type AnswerName } from './answer-schemas.js';
import { answerHeaders, pathIds, requestHeaders } from './documented-headers.js';
import { documentedErrors, errorExample, errorStatusNames, type ErrorCode } from './documented-errors.js';
import { ref } from './schema-parts.js';

/** What the code of a route can't tell of it by itself. */
export interface RouteDescription {
  readonly summary: string;
  readonly description?: string;
  /** By status: the name of the body's schema, 'text' for plain text, 'nothing' for no body. */
  readonly answers: Readonly<Record<number, AnswerName | 'text' | 'nothing'>>;
  /** The codes of errors that are the route's own; those that any route can have are added here. */
  readonly errors?: readonly ErrorCode[];
  /** What `{id}` in the path stands for. */
  readonly id?: keyof typeof pathIds;
  /** Takes an Idempotency-Key. */
  readonly idempotent?: boolean;
  readonly requestHeaders?: readonly (keyof typeof requestHeaders)[];
  readonly answerHeaders?: readonly (keyof typeof answerHeaders)[];
}

/** Errors of every list, and of every change of the ledger. */
export const pageErrors = ['invalid_cursor', 'page_too_deep'] as const;
export const writeErrors = ['overloaded', 'outcome_unknown'] as const;

/**
 * Describes a route in the OpenAPI document. It stands above the route's other decorators, which it reads: the
 * method says whether there is a body to refuse, @Access says which scope is needed.
 */
export function Documented(route: RouteDescription): MethodDecorator {
  return (target, key, descriptor) => {
    const handler = descriptor.value as object;
    const access = accessOf(handler);
    if (access === undefined) throw new Error(`@Documented of ${String(key)} must stand above its @Access`);
    const isOpen = access === 'open';
    const needs = isOpen ? 'Needs no key.' : `Needs the scope \`${access}\`.`;
    const sent = [...(route.requestHeaders ?? []), ...(route.idempotent ? ['Idempotency-Key' as const] : [])];
    applyDecorators(
      ApiOperation({
        summary: route.summary,
        description: [route.description, needs].filter(Boolean).join('\n\n'),
        ...(isOpen ? { security: [] } : {}),
      }),
      ApiExtension('x-scope', isOpen ? null : access),
      ...(route.id ? [ApiParam({ name: 'id', required: true, ...pathIds[route.id] })] : []),
      ...[...sent, 'X-Request-Id' as const].map((name) => ApiHeader({ name, ...requestHeaders[name] })),
      ...Object.entries(route.answers).map(([status, body]) => answer(Number(status), body, route)),
      ...errorAnswers([...commonErrors(handler, access), ...(route.errors ?? [])], route),
    )(target, key, descriptor);
  };
}

function accessOf(handler: object): RouteAccess | undefined {
  const config = Reflect.getMetadata(FASTIFY_ROUTE_CONFIG_METADATA, handler) as
    { access?: RouteAccess } | undefined;
  return config?.access;
}

/** What any route can answer, by what the conventions do before it is reached. */
function commonErrors(handler: object, access: RouteAccess): readonly ErrorCode[] {
  const takesBody = Reflect.getMetadata(METHOD_METADATA, handler) !== RequestMethod.GET;
  return [
    'validation_error',
    ...(access === 'open' ? [] : (['unauthorized', 'forbidden', 'not_acceptable', 'unavailable'] as const)),
    ...(takesBody ? (['payload_too_large', 'unsupported_media_type'] as const) : []),
    'internal',
  ];
}

function answer(status: number, body: AnswerName | 'text' | 'nothing', route: RouteDescription) {
  const replayed = route.idempotent ? (['Idempotency-Replayed'] as const) : [];
  const headers = headerReferences([...replayed, ...(route.answerHeaders ?? [])]);
  if (body === 'nothing') return ApiResponse({ status, description: 'Done; there is no body', headers });
  const content =
    body === 'text'
      ? { 'text/plain': { schema: { type: 'string' } } }
      : { 'application/json': { schema: ref(body), example: answerExample(body) } };
  return ApiResponse({ status, description: route.summary, headers, content });
}

/** One answer per status, with an example for each of its codes. */
function errorAnswers(codes: readonly ErrorCode[], { idempotent }: RouteDescription) {
  const all = new Set([...codes, ...(idempotent ? (['idempotency_key_reused'] as const) : [])]);
  const codesByStatus = new Map<number, ErrorCode[]>();
  for (const code of all) {
    const { status } = documentedErrors[code];
    codesByStatus.set(status, [...(codesByStatus.get(status) ?? []), code]);
  }
  return [...codesByStatus].map(([status, ofStatus]) =>
    ApiResponse({ status, ...errorAnswer(status, ofStatus) }),
  );
}

/** Also for the answers of paths and methods that are no route. */
export function errorAnswer(status: number, codes: readonly ErrorCode[]) {
  const examples = Object.fromEntries(
    codes.map((code) => [code, { summary: code, value: errorExample(code) }]),
  );
  const list = codes.map((code) => `\`${code}\``).join(', ');
  return {
    description: `${errorStatusNames[status]}: ${list}`,
    headers: headerReferences(headersOfStatus[status] ?? []),
    content: { 'application/json': { schema: ref('Error'), examples } },
  };
}

const headersOfStatus: Readonly<Record<number, readonly (keyof typeof answerHeaders)[]>> = {
  401: ['WWW-Authenticate'],
  405: ['Allow'],
  503: ['Retry-After'],
};

function headerReferences(names: readonly (keyof typeof answerHeaders)[]) {
  const all = ['X-Request-Id', ...names];
  return Object.fromEntries(all.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}
