import { choice, count, listOf, nullable, object, text, time, typeId, type SchemaObject } from '#openapi';
import { deliveryStatuses } from '../deliveries/delivery.js';
import { disabledReasons, endpointStatuses, orderings } from '../endpoints/endpoint.js';
import { exampleIds } from './path-ids.js';

const secretPattern = '^whsec_[A-Za-z0-9+/]{43}=$';
const exampleSecret = 'whsec_bm90IGEgc2VjcmV0LCBvbmx5IGFuIGV4YW1wbGUhISE=';

const list = (items: SchemaObject, description: string, example: unknown[]): SchemaObject => ({
  type: 'array',
  items,
  description,
  examples: [example],
});

const milliseconds = (description: string, example: number) => count(`${description}, in ms`, example);

const endpointParts = {
  id: typeId('whe', 'Its id', exampleIds.endpoint),
  url: text('Where webhooks are sent', 'https://example.com/webhooks'),
  eventTypes: list(
    text('A type, all types of a kind (`transaction.*`), or all (`*`)', 'transaction.*'),
    'Which events it gets',
    ['transaction.*'],
  ),
  accountIds: list(
    typeId('acc', 'An account', exampleIds.account),
    'Whose events it gets; empty for those of all accounts',
    [exampleIds.account],
  ),
  description: nullable(text("The client's own text", 'Bookkeeping')),
  ordering: choice(orderings, 'Whether the events of an account wait for each other'),
  rateLimitPerSecond: nullable(count('Attempts per second at most; null for no limit', 50), null),
  maxConcurrency: count('Attempts at one time at most', 10),
  headers: {
    type: 'object',
    additionalProperties: { type: 'string' },
    description: 'Sent with every webhook',
    examples: [{ 'X-Tenant': 'acme' }],
  },
  legacySignature: {
    ...object(
      { header: text('The header that carries it', 'X-HG-Webhook-Signature') },
      'A further signature, `sha256=<hex HMAC-SHA256 of the body>`, keyed with the whole secret; null for none',
    ),
    type: ['object', 'null'],
    examples: [null],
  } as SchemaObject,
  status: choice(endpointStatuses, 'A disabled endpoint is sent nothing'),
  disabledReason: nullable(
    choice(
      disabledReasons,
      'gone: it answered 410; failing: for days without a success; manual: by request; null while it is enabled',
    ),
    null,
  ),
  createdAt: time('When it was created: it gets events recorded after that', '2026-01-30T17:02:11.000482Z'),
  updatedAt: time('When its settings or its status last changed'),
};

const deliveryParts = {
  id: typeId('dlv', 'Its id', exampleIds.delivery),
  eventId: typeId('evt', 'The event, and the webhook-id of each attempt', exampleIds.event),
  endpointId: typeId('whe', 'The endpoint', exampleIds.endpoint),
  eventType: text('The type of the event', 'transaction.posted'),
  status: choice(
    deliveryStatuses,
    'pending: to be attempted; delivering: under way; failed: refused for good; exhausted: out of attempts; ' +
      'cancelled: the endpoint was disabled or deleted',
  ),
  attempts: count('Attempts so far', 1),
  nextAttemptAt: nullable(time('When it is due; null once it has ended'), null),
  manual: { type: 'boolean', description: 'It was retried by request, out of order', examples: [false] },
  createdAt: time('When the event was taken in for the endpoint'),
  lastStatusCode: nullable(count('What the last attempt was answered with; null where it was not', 200)),
} satisfies Record<string, SchemaObject>;

const attempt = object(
  {
    at: time('When it began'),
    statusCode: nullable(count('What it was answered with; null where there was no whole answer', 503)),
    durationMs: milliseconds('How long it took', 41),
    errorClass: nullable(text('Why there was no whole answer: timeout, connect, dns and so on'), null),
    responseBody: nullable(text('The first 8 KiB of the answer', 'try later')),
    nextAttemptAt: nullable(time('When it was to be tried again; null where it was the last attempt'), null),
  },
  'One HTTP request to an endpoint.',
);

const stats = object(
  {
    from: time('What was attempted since then is counted: the last 24 hours, or the newest 50,000 attempts'),
    to: time('Until when'),
    attempts: count('Attempts in that time', 1000),
    succeeded: count('Those answered with 2xx', 998),
    successRate: {
      type: ['number', 'null'],
      minimum: 0,
      maximum: 1,
      description: 'succeeded / attempts; null where there were none',
      examples: [0.998],
    },
    latencyMs: object(
      {
        p50: nullable(milliseconds('Half of the attempts took no longer', 18)),
        p99: nullable(milliseconds('99 of 100 took no longer', 240)),
      },
      'How long the attempts took; null where there were none',
    ),
    undelivered: count('Deliveries that have not ended, counted up to 50,000', 3),
    oldestUndeliveredSeconds: nullable(count('How long the oldest of those has been waiting', 12)),
  },
  'How an endpoint has done lately.',
);

const eventType = object(
  {
    type: text('Its name', 'transaction.posted'),
    description: text('What happened', 'Money moved.'),
    version: count('Of the body: fields may be added within one', 1),
    schema: {
      type: 'object',
      additionalProperties: true,
      description: 'JSON Schema (2020-12) of the whole body of a webhook',
      examples: [{ type: 'object' }],
    },
    example: {
      type: 'object',
      additionalProperties: true,
      description: 'Such a body',
      examples: [{ version: 1, type: 'transaction.posted' }],
    },
  },
  'A type of event.',
);

/** The things that the API shows, by the names that they have in the contract. */
export const resourceSchemas = {
  Endpoint: object(endpointParts, 'Where webhooks are sent, and which.'),
  EndpointWithSecret: object(
    {
      ...endpointParts,
      secret: text('What webhooks are signed with; shown this once', exampleSecret, {
        pattern: secretPattern,
      }),
    },
    'An endpoint, with its new secret.',
  ),
  Delivery: object(deliveryParts, 'One event for one endpoint.'),
  DeliveryWithAttempts: object(
    { ...deliveryParts, attemptLog: listOf('Attempt', 'Its attempts in order, the newest 100') },
    'One event for one endpoint, with what was tried.',
  ),
  Attempt: attempt,
  EndpointTest: object(
    {
      statusCode: nullable(count('What the endpoint answered; null where there was no whole answer', 200)),
      errorClass: nullable(text('Why there was no whole answer'), null),
      latencyMs: milliseconds('How long it took', 41),
      requestHeaders: {
        type: 'object',
        additionalProperties: { type: 'string' },
        description: 'What was sent, the signature included',
        examples: [{ 'webhook-id': exampleIds.event }],
      },
      responseBody: nullable(text('The first 8 KiB of the answer', 'ok')),
    },
    'What an endpoint did with an example.',
  ),
  Recovery: object(
    {
      id: typeId('rec', 'Its id', exampleIds.recovery),
      status: choice(['running', 'done', 'cancelled'], 'It goes on until it is done, across restarts'),
      count: count('Events that it has found', 120),
      done: count('Those that are made due so far', 0),
    },
    'A job that sends an endpoint what it has missed.',
  ),
  RecoveryCount: object({ count: count('Events that would be sent', 120) }, 'What a recovery would do.'),
  EndpointStats: stats,
  EventType: eventType,
} satisfies Record<string, SchemaObject>;

export type ResourceName = keyof typeof resourceSchemas;
