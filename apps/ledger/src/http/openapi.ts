import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { schemas } from './answer-schemas.js';
import { errorAnswer } from './documented.js';
import { answerHeaders } from './documented-headers.js';
import { requestExamples } from './request-examples.js';
import type { ReferenceObject, SchemaObject } from './schema-parts.js';

const conventions = `A double-entry ledger: accounts, and transactions that move money between them.

- **Amounts** are integers in the minor unit of their currency: digit strings in answers, digit strings or safe JSON integers in requests.
- **Times** are ISO 8601 in UTC with six decimals; in requests the fractions may be missing.
- **Ids** are TypeIDs: \`acc_…\`, \`txn_…\`. \`ROOT\` is the system account of the currency concerned, where money comes from and goes to.
- **Errors** have one shape and a stable \`code\`; a request with two faults always gets the same one. A path that is no route is 404 \`not_found\`; a method that a path lacks is 405 \`method_not_allowed\` with \`Allow\`. Each GET answers HEAD as well.
- **Unknown** body fields and query parameters are refused, so that a misspelt filter can't return everything.
- **Lists** show every write that was answered before they were asked for, unless asked with \`consistency=eventual\`.`;

/** The document, generated from the controllers, their DTOs and their @Documented. */
export function createDocument(app: NestFastifyApplication): OpenAPIObject {
  const settings = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Ledger')
    .setDescription(conventions)
    .setVersion('1')
    .setLicense('Apache-2.0', 'https://www.apache.org/licenses/LICENSE-2.0')
    .addServer('/')
    .addTag('Accounts', 'Who holds money')
    .addTag('Transactions', 'Money that moves')
    .addTag('Journal', 'What happened, in order, and what it adds up to')
    .addTag('Operations', 'For whoever runs the service')
    .addBearerAuth({
      type: 'http',
      scheme: 'bearer',
      description: 'An API key: `Authorization: Bearer sk_…`',
    })
    .addSecurityRequirements('bearer')
    .build();
  const document = SwaggerModule.createDocument(app, settings, { operationIdFactory: operationIdOf });
  const { components = {} } = document;
  const described: OpenAPIObject = {
    ...document,
    components: {
      ...components,
      schemas: { ...components.schemas, ...schemas },
      headers: answerHeaders,
      responses: {
        NotFound: errorAnswer(404, ['not_found']),
        MethodNotAllowed: errorAnswer(405, ['method_not_allowed']),
      },
    },
  };
  describeBodies(described);
  return withExamples(described);
}

/** AccountsController.open is accountsOpen: generators of clients make function names of these. */
function operationIdOf(controller: string, method: string): string {
  const group = controller.replace(/Controller$/, '');
  return `${group.charAt(0).toLowerCase()}${group.slice(1)}${method.charAt(0).toUpperCase()}${method.slice(1)}`;
}

/** Gives request bodies their examples, and says that unknown fields are refused. */
function describeBodies({ paths, components }: OpenAPIObject): void {
  for (const operation of Object.values(paths).flatMap(({ post, put, patch }) => [post, put, patch])) {
    if (!operation?.requestBody || '$ref' in operation.requestBody) continue;
    const content = operation.requestBody.content['application/json'];
    const name = (content?.schema as ReferenceObject | undefined)?.$ref.split('/').at(-1) ?? '';
    const schema = components?.schemas?.[name] as SchemaObject | undefined;
    const examples = requestExamples[name];
    if (!content || !schema || !examples)
      throw new Error(`${operation.operationId}: its body has no example`);
    content.examples = examples;
    schema.additionalProperties = false;
  }
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
export function describeApi(app: NestFastifyApplication): void {
  const fastify = app.getHttpAdapter().getInstance();
  fastify.addHook('onRoute', (route) => {
    if (!/^\/docs(\/|$)/.test(route.url)) return;
    route.onRequest = (_request, reply, done) => {
      reply.headers({ 'content-security-policy': pagePolicy, 'x-content-type-options': 'nosniff' });
      done();
    };
  });
  SwaggerModule.setup('docs', app, createDocument(app), {
    jsonDocumentUrl: 'openapi.json',
    raw: ['json'],
    customSiteTitle: 'Ledger API',
    // The badge would send the document's address to somebody else's server.
    swaggerOptions: { validatorUrl: 'none', persistAuthorization: false, tryItOutEnabled: true },
  });
}
