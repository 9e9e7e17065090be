import { applyDecorators, RequestMethod } from '@nestjs/common';
import { METHOD_METADATA } from '@nestjs/common/constants.js';
import { FASTIFY_ROUTE_CONFIG_METADATA } from '@nestjs/platform-fastify/constants.js';
import { ApiExtension, ApiHeader, ApiOperation, ApiParam, ApiResponse } from '@nestjs/swagger';
import type { RouteAccess } from '#access';
import type { ApiError } from '#http';
import { errorExample, errorStatusNames, type ConventionCode } from './documented-errors.js';
import { rateLimitHeaders, type AnswerHeader, type RequestHeader } from './documented-headers.js';
import { exampleOf } from './answer-schemas.js';
import { ref, type SchemaObject } from './schema-parts.js';

/** What an app's routes can be described with, by name. */
export interface Vocabulary<
  Answer extends string,
  Code extends string,
  Sent extends string,
  Given extends string,
  Id extends string,
> {
  /** Bodies of answers, as schemas. */
  readonly answers: Readonly<Record<Answer, SchemaObject>>;
  /** All schemas, those of bodies included. */
  readonly schemas: Readonly<Record<string, SchemaObject>>;
  readonly errors: Readonly<Record<Code | ConventionCode, ApiError>>;
  /** By status, what the app's own errors of it mean. */
  readonly statusNames: Readonly<Record<number, string>>;
  readonly requestHeaders: Readonly<Record<Sent | 'X-Request-Id', RequestHeader>>;
  readonly answerHeaders: Readonly<Record<Given | 'X-Request-Id', AnswerHeader>>;
  /** What a parameter in a path, `{id}` for most, can stand for. */
  readonly pathIds: Readonly<Record<Id, { readonly description: string; readonly schema: SchemaObject }>>;
}

/** What the code of a route can't tell of it by itself. */
export interface RouteDescription<
  Answer extends string = string,
  Code extends string = string,
  Sent extends string = string,
  Given extends string = string,
  Id extends string = string,
> {
  readonly summary: string;
  readonly description?: string;
  /** By status: the name of the body's schema, 'text' for plain text, 'nothing' for no body. */
  readonly answers: Readonly<Record<number, Answer | 'text' | 'nothing'>>;
  /** The codes of errors that are the route's own; those that any route can have are added here. */
  readonly errors?: readonly (Code | ConventionCode)[];
  /** What `{id}` in the path stands for. */
  readonly id?: Id;
  /** What parameters in the path stand for that have other names. */
  readonly pathParameters?: Readonly<Record<string, Id>>;
  /** `dryRun` in the body gets 200, with the same body as what is made. */
  readonly hasDryRun?: boolean;
  /** Takes an Idempotency-Key. */
  readonly idempotent?: boolean;
  readonly requestHeaders?: readonly Sent[];
  readonly answerHeaders?: readonly Given[];
}

/** Errors of every list. */
export const pageErrors = ['invalid_cursor', 'page_too_deep'] as const;

/**
 * Gives an app its @Documented, which describes a route in the OpenAPI document. It stands above the route's
 * other decorators, which it reads: the method says whether there is a body to refuse, @Access says which scope
 * is needed.
 */
export function documentedWith<
  Answer extends string,
  Code extends string,
  Sent extends string,
  Given extends string,
  Id extends string,
>(vocabulary: Vocabulary<Answer, Code, Sent, Given, Id>) {
  return (route: RouteDescription<Answer, Code, Sent, Given, Id>): MethodDecorator =>
    (target, key, descriptor) => {
      const handler = descriptor.value as object;
      const settings = settingsOf(handler);
      if (settings?.access === undefined)
        throw new Error(`@Documented of ${String(key)} must stand above its @Access`);
      const decorators = describe(route, { ...settings, access: settings.access }, handler, vocabulary);
      applyDecorators(...decorators)(target, key, descriptor);
    };
}

type AnyVocabulary = Vocabulary<string, string, string, string, string>;

/** What other decorators have said of the route. */
interface Settings {
  readonly access: RouteAccess;
  readonly isForBoundKeys?: boolean;
  readonly answersIn?: readonly string[];
}

function describe(route: RouteDescription, settings: Settings, handler: object, vocabulary: AnyVocabulary) {
  const { requestHeaders, pathIds } = vocabulary;
  const { access } = settings;
  const isOpen = access === 'open';
  const sent = [...(route.requestHeaders ?? []), ...(route.idempotent ? ['Idempotency-Key'] : [])];
  const codes = [
    ...commonErrors(handler, access),
    ...(route.errors ?? []),
    ...(route.idempotent ? ['idempotency_key_reused'] : []),
  ];
  const parameters = Object.entries({ ...(route.id ? { id: route.id } : {}), ...route.pathParameters });
  const [made] = Object.values(route.answers);
  const answers = { ...(route.hasDryRun ? { 200: made } : {}), ...route.answers };
  return [
    ApiOperation({
      summary: route.summary,
      description: [route.description, needsOf(settings)].filter(Boolean).join('\n\n'),
      ...(isOpen ? { security: [] } : {}),
    }),
    ApiExtension('x-scope', isOpen ? null : access),
    ...parameters.map(([name, id]) => ApiParam({ name, required: true, ...pathIds[id] })),
    ...[...sent, 'X-Request-Id'].map((name) => ApiHeader({ name, ...requestHeaders[name] })),
    ...Object.entries(answers).map(([status, body]) =>
      answer(Number(status), body, settings, route, vocabulary),
    ),
    ...errorAnswers(codes, isOpen, vocabulary),
  ];
}

function needsOf({ access, isForBoundKeys }: Settings): string {
  if (access === 'open') return 'Needs no key.';
  if (access === 'operator') return 'Needs the operator’s key, OPERATOR_API_KEY, which opens nothing else.';
  if (access === 'any-key') return 'Needs a key, of whatever scopes.';
  const unbound = isForBoundKeys === false ? ', of a key that is bound to no owner' : '';
  return `Needs the scope \`${access}\`${unbound}.`;
}

function settingsOf(handler: object): Partial<Settings> | undefined {
  return Reflect.getMetadata(FASTIFY_ROUTE_CONFIG_METADATA, handler) as Partial<Settings> | undefined;
}

/** What any route can answer, by what the conventions do before it is reached. */
function commonErrors(handler: object, access: RouteAccess): readonly ConventionCode[] {
  const takesBody = Reflect.getMetadata(METHOD_METADATA, handler) !== RequestMethod.GET;
  const ofCallers: readonly ConventionCode[] =
    access === 'any-key'
      ? ['unauthorized', 'duplicate_request', 'rate_limited', 'not_acceptable', 'unavailable']
      : ['unauthorized', 'duplicate_request', 'rate_limited', 'forbidden', 'not_acceptable', 'unavailable'];
  return [
    'validation_error',
    ...(access === 'open' ? [] : ofCallers),
    ...(takesBody ? (['payload_too_large', 'unsupported_media_type'] as const) : []),
    'internal',
  ];
}

function answer(
  status: number,
  body: string | undefined,
  { access, answersIn = [] }: Settings,
  route: RouteDescription,
  vocabulary: AnyVocabulary,
) {
  const replayed = route.idempotent ? ['Idempotency-Replayed'] : [];
  const limits = access === 'open' ? [] : rateLimitHeaders;
  const headers = headerReferences([...replayed, ...limits, ...(route.answerHeaders ?? [])]);
  if (body === undefined || body === 'nothing')
    return ApiResponse({ status, description: 'Done; there is no body', headers });
  const content =
    body === 'text'
      ? { 'text/plain': { schema: { type: 'string' } } }
      : { 'application/json': { schema: ref(body), example: exampleOf(ref(body), vocabulary.schemas) } };
  const others = answersIn.filter((type) => type !== 'application/json');
  const ofOthers = Object.fromEntries(others.map((type) => [type, { schema: { type: 'string' } }]));
  const isDryRun = route.hasDryRun === true && !Object.hasOwn(route.answers, status);
  const description = isDryRun ? 'A dry run: what would have been made' : route.summary;
  return ApiResponse({ status, description, headers, content: { ...content, ...ofOthers } });
}

/** One answer per status, with an example for each of its codes. */
function errorAnswers(codes: readonly string[], isOpen: boolean, vocabulary: AnyVocabulary) {
  const codesByStatus = new Map<number, string[]>();
  for (const code of new Set(codes)) {
    const { status } = vocabulary.errors[code]!;
    codesByStatus.set(status, [...(codesByStatus.get(status) ?? []), code]);
  }
  return [...codesByStatus].map(([status, ofStatus]) =>
    ApiResponse({ status, ...errorAnswer(status, ofStatus, vocabulary, isOpen ? [] : limitsOf(status)) }),
  );
}

/** Also for the answers of paths and methods that are no route. */
export function errorAnswer(
  status: number,
  codes: readonly string[],
  { errors, statusNames }: Pick<AnyVocabulary, 'errors' | 'statusNames'>,
  headers: readonly string[] = [],
) {
  const examples = Object.fromEntries(
    codes.map((code) => [code, { summary: code, value: errorExample(errors[code]!) }]),
  );
  const list = codes.map((code) => `\`${code}\``).join(', ');
  return {
    description: `${statusNames[status] ?? errorStatusNames[status]}: ${list}`,
    headers: headerReferences([...headers, ...(headersOfStatus[status] ?? [])]),
    content: { 'application/json': { schema: ref('Error'), examples } },
  };
}

/** Nobody's requests are counted for nobody. */
const limitsOf = (status: number) => (status === 401 ? [] : rateLimitHeaders);

const headersOfStatus: Readonly<Record<number, readonly string[]>> = {
  401: ['WWW-Authenticate'],
  405: ['Allow'],
  429: ['Retry-After'],
  503: ['Retry-After'],
};

function headerReferences(names: readonly string[]) {
  const all = ['X-Request-Id', ...names];
  return Object.fromEntries(all.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}
