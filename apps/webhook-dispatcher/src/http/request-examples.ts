import type { RequestExamples } from '#openapi';
import { exampleIds } from './path-ids.js';

/** Bodies to begin with, by the name of their class. Each of them is sent to the API by a test. */
export const requestExamples: RequestExamples = {
  CreateEndpointBody: {
    plain: { summary: 'All events', value: { url: 'https://example.com/webhooks' } },
    whole: {
      summary: 'All that can be said of it',
      value: {
        url: 'https://example.com/webhooks',
        eventTypes: ['transaction.*', 'account.closed'],
        accountIds: [exampleIds.account],
        description: 'Bookkeeping',
        ordering: 'account',
        rateLimitPerSecond: 50,
        maxConcurrency: 5,
        headers: { Authorization: 'Bearer of-the-receiver' },
        legacySignature: { header: 'X-HG-Webhook-Signature' },
      },
    },
  },
  UpdateEndpointBody: {
    url: { summary: 'Send them elsewhere', value: { url: 'https://example.com/v2/webhooks' } },
    limits: { summary: 'Go easy on it', value: { rateLimitPerSecond: 5, maxConcurrency: 1 } },
    clear: {
      summary: 'Take away what can be',
      value: { description: null, rateLimitPerSecond: null, legacySignature: null },
    },
  },
  RotateSecretBody: {
    usual: { summary: 'Both secrets sign for a day', value: {} },
    atOnce: { summary: 'The old one ends at once', value: { overlapSeconds: 0 } },
  },
  TestEndpointBody: {
    posted: { summary: 'As if money had moved', value: { eventType: 'transaction.posted' } },
  },
  RecoverEndpointBody: {
    since: { summary: 'All that it has missed since', value: { since: '2026-01-31T00:00:00Z' } },
    count: {
      summary: 'How many these would be',
      value: {
        since: '2026-01-31T00:00:00Z',
        until: '2026-02-01T00:00:00Z',
        eventTypes: ['transaction.posted'],
        dryRun: true,
      },
    },
  },
};
