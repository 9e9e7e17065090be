import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { errorAnswer, type Vocabulary } from './documented.js';
import { alternativesOf } from './fields.js';
import type { ReferenceObject, SchemaObject } from './schema-parts.js';

export interface RequestExample {
  readonly summary: string;
  readonly value: object;
}

/** Bodies to begin with, by the name of their class. */
export type RequestExamples = Readonly<Record<string, Readonly<Record<string, RequestExample>>>>;

export interface ApiDescription {
  readonly title: string;
  /** Of the page in a browser. */
  readonly pageTitle: string;
  /** Its conventions, in Markdown. */
  readonly description: string;
  /** By the name of a group of routes, what it is about. */
  readonly tags: Readonly<Record<string, string>>;
  readonly requestExamples: RequestExamples;
  readonly vocabulary: Pick<
    Vocabulary<string, string, string, string, string>,
    'schemas' | 'errors' | 'statusNames' | 'answerHeaders'
  >;
}

/** The document, generated from the controllers, their DTOs and their @Documented. */
function createDocument(app: NestFastifyApplication, description: ApiDescription): OpenAPIObject {
  const { vocabulary } = description;
  const builder = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle(description.title)
    .setDescription(description.description)
    .setVersion('1')
    .setLicense('Apache-2.0', 'https://www.apache.org/licenses/LICENSE-2.0')
    .addServer('/');
  for (const [name, meaning] of Object.entries(description.tags)) builder.addTag(name, meaning);
  const settings = builder
    .addSecurity('bearer', {
      type: 'http',
      scheme: 'bearer',
      description: 'An API key: `Authorization: Bearer sk_…`',
    })
    .addSecurity('clientToken', {
      type: 'http',
      scheme: 'bearer',
      bearerFormat: 'JWT',
      description: 'A client token, in the place of a key: it is bound to one owner, and lives some minutes',
    })
    .addSecurity('signingKey', headerScheme('X-Api-Key', 'The id of a key that signs: `key_…`'))
    .addSecurity('signedAt', headerScheme('X-Timestamp', 'Unix seconds, at most 300 off'))
    .addSecurity(
      'signature',
      headerScheme(
        'X-Signature',
        'Hex HMAC-SHA256, keyed with the whole secret `sk_…`, of ' +
          '`{timestamp}.{X-Request-Id}.{METHOD}.{path with query}.{Idempotency-Key or empty}.{raw body}`. ' +
          'A signed request needs an X-Request-Id that its key has not used for ten minutes.',
      ),
    )
    .addSecurityRequirements('bearer')
    .addSecurityRequirements('clientToken')
    .addSecurityRequirements({ signingKey: [], signedAt: [], signature: [] })
    .build();
  const document = SwaggerModule.createDocument(app, settings, { operationIdFactory: operationIdOf });
  const { components = {} } = document;
  const described: OpenAPIObject = {
    ...document,
    components: {
      ...components,
      schemas: { ...components.schemas, ...vocabulary.schemas },
      headers: vocabulary.answerHeaders,
      responses: {
        NotFound: errorAnswer(404, ['not_found'], vocabulary),
        MethodNotAllowed: errorAnswer(405, ['method_not_allowed'], vocabulary),
        RequestTimeout: malformedAnswer(408, 'It did not come in time', vocabulary),
        HeadersTooLarge: malformedAnswer(431, 'Its request line and headers are too large', vocabulary),
      },
    },
  };
  for (const [name, schema] of Object.entries(described.components?.schemas ?? {})) {
    Object.assign(schema, alternativesOf(name));
  }
  describeBodies(described, description.requestExamples);
  return withExamples(described);
}

/** Of what ended before it was a request: the connection is closed with it. */
function malformedAnswer(status: number, description: string, vocabulary: ApiDescription['vocabulary']) {
  return { ...errorAnswer(status, ['validation_error'], vocabulary), description };
}

const headerScheme = (name: string, description: string) =>
  ({ type: 'apiKey', in: 'header', name, description }) as const;

/** AccountsController.open is accountsOpen: generators of clients make function names of these. */
function operationIdOf(controller: string, method: string): string {
  const group = controller.replace(/Controller$/, '');
  return `${group.charAt(0).toLowerCase()}${group.slice(1)}${method.charAt(0).toUpperCase()}${method.slice(1)}`;
}

/** Gives request bodies their examples, and says that unknown fields are refused. */
function describeBodies({ paths, components }: OpenAPIObject, requestExamples: RequestExamples): void {
  for (const operation of Object.values(paths).flatMap(({ post, put, patch }) => [post, put, patch])) {
    if (!operation?.requestBody || '$ref' in operation.requestBody) continue;
    const content = operation.requestBody.content['application/json'];
    const name = (content?.schema as ReferenceObject | undefined)?.$ref.split('/').at(-1) ?? '';
    const schema = components?.schemas?.[name] as SchemaObject | undefined;
    const examples = requestExamples[name];
    if (!content || !schema || !examples)
      throw new Error(`${operation.operationId}: its body has no example`);
    content.examples = examples;
    refuseUnknownFields(schema, components?.schemas ?? {});
  }
}

/** In the body and in whatever is nested in it; what says itself which others it takes is left so. */
function refuseUnknownFields(part: unknown, schemas: Readonly<Record<string, unknown>>): void {
  if (typeof part !== 'object' || part === null) return;
  if ('$ref' in part) return refuseUnknownFields(schemas[String(part.$ref).split('/').at(-1)!], schemas);
  if ('properties' in part && !('additionalProperties' in part)) {
    Object.assign(part, { additionalProperties: false });
  }
  for (const nested of Object.values(part)) refuseUnknownFields(nested, schemas);
}

/**
 * Schemas of OpenAPI 3.1 have `examples`; the DTOs' decorators write `example`, which is deprecated there, and
 * with which the page would fill every filter of a list in.
 */
function withExamples(document: OpenAPIObject): OpenAPIObject {
  const parameters = Object.values(document.paths)
    .flatMap((path) => Object.values(path) as { parameters?: { schema?: SchemaObject }[] }[])
    .flatMap((operation) => operation.parameters ?? [])
    .map(({ schema }) => schema);
  const fields = Object.values((document.components?.schemas ?? {}) as Record<string, SchemaObject>).flatMap(
    ({ properties = {} }) => Object.values(properties as Record<string, SchemaObject>),
  );
  for (const schema of [...parameters, ...fields]) {
    if (schema?.example === undefined) continue;
    schema.examples = [schema.example];
    delete schema.example;
  }
  return document;
}

/** The page loads nothing from elsewhere. Swagger UI sets styles inline, and its icons are data. */
const pagePolicy = [
  "default-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The machine-readable contract at /openapi.json, and a page to read it at /docs. */
export function describeApi(app: NestFastifyApplication, description: ApiDescription): void {
  const fastify = app.getHttpAdapter().getInstance();
  fastify.addHook('onRoute', (route) => {
    if (!/^\/docs(\/|$)/.test(route.url)) return;
    route.onRequest = (_request, reply, done) => {
      reply.headers({ 'content-security-policy': pagePolicy, 'x-content-type-options': 'nosniff' });
      done();
    };
  });
  SwaggerModule.setup('docs', app, createDocument(app, description), {
    jsonDocumentUrl: 'openapi.json',
    raw: ['json'],
    customSiteTitle: description.pageTitle,
    // The badge would send the document's address to somebody else's server.
    swaggerOptions: { validatorUrl: 'none', persistAuthorization: false, tryItOutEnabled: true },
  });
}
