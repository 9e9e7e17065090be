import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { describeApi } from '#openapi';
import { vocabulary } from './documented.js';
import { requestExamples } from './request-examples.js';

const conventions = `Webhooks of a ledger: where they are sent, what was sent, and what became of it. The ledger's own address serves these routes as well.

- **Webhooks** are POST requests with the body of the event, signed as Standard Webhooks 1.0 says: \`webhook-id\`, \`webhook-timestamp\`, \`webhook-signature\`. The id is the event's and the same in every attempt. Success is an answer of 2xx within 15 seconds; anything else is tried again, 12 times in all.
- **Times** are ISO 8601 in UTC with six decimals; in requests the fractions may be missing.
- **Ids** are TypeIDs: \`whe_…\`, \`dlv_…\`, \`evt_…\`, \`acc_…\`.
- **Errors** have one shape and a stable \`code\`; a request with two faults always gets the same one. A path that is no route is 404 \`not_found\`; a method that a path lacks is 405 \`method_not_allowed\` with \`Allow\`. Each GET answers HEAD as well.
- **What is no request** is told so on its connection, which ends with that: 400 where it is not HTTP, 408 where it doesn't come in time, 431 where its URL and headers are more than 16 KiB, all of them \`validation_error\`. Whoever ends their side of a connection has left, and gets no answer.
- **Unknown** body fields and query parameters are refused, so that a misspelt filter can't return everything.
- **Lists** say in \`meta.position\` how far the ledger's journal was taken in.`;

/** The dispatcher's contract at /openapi.json, and a page to read it at /docs. */
export function describeDispatcher(app: NestFastifyApplication): void {
  describeApi(app, {
    title: 'Webhooks',
    pageTitle: 'Webhooks API',
    description: conventions,
    tags: {
      WebhookEndpoints: 'Where webhooks are sent',
      WebhookDeliveries: 'What was sent, and what became of it',
      EventTypes: 'What webhooks tell of',
      Operations: 'For whoever runs the service',
    },
    requestExamples,
    vocabulary,
  });
}
