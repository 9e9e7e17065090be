import type { EventTypeName } from './event-content.js';
import { exampleRecords } from './example-records.js';
import { accountSchema, transactionSchema } from './resource-schemas.js';
import {
  choice,
  count,
  exampleIds,
  listOf,
  object,
  position,
  time,
  typeId,
  type JsonSchema,
} from './schema-parts.js';
import { renderStreamEvent } from './stream-event.js';
import { webhookBodyOf, type WebhookBody } from './webhook-body.js';

export interface EventTypeDescription {
  readonly type: string;
  readonly description: string;
  /** Of the bodies that schema describes, as they say themselves. */
  readonly version: 1;
  /** Of the whole body of a webhook. Open: bodies of version 1 may gain fields. */
  readonly schema: JsonSchema;
  /** A whole body, rendered like any other. */
  readonly example: WebhookBody;
}

const descriptions: Readonly<Record<EventTypeName, string>> = {
  'account.opened':
    'An account was opened. System accounts are opened by the first transaction that needs them.',
  'account.updated': 'Settings of an account were changed: its name, limits, visibility, status and so on.',
  'account.closed': 'An account was closed, for ever. It was empty.',
  'transaction.posted': 'Money moved, all postings of the transaction or none, and has settled.',
};

/** Every type of event that the ledger writes. */
export const eventTypes: readonly EventTypeDescription[] = (Object.keys(descriptions) as EventTypeName[]).map(
  (type) => ({
    type,
    description: descriptions[type],
    version: 1,
    schema: bodySchema(type),
    example: webhookBodyOf(renderStreamEvent(exampleRecords[type]), { ownerId: null }),
  }),
);

function bodySchema(type: EventTypeName): JsonSchema {
  const resource = type === 'transaction.posted' ? transactionSchema : accountSchema;
  const body = object(
    {
      version: { const: 1, description: 'Of this format: fields may be added, and none is ever changed' },
      id: typeId(
        'evt',
        'The same in every repeat, and the webhook-id: whoever has seen it drops it',
        exampleIds.event,
      ),
      type: choice([type], 'What happened'),
      ledgerId: typeId('ldg', 'The ledger', exampleIds.ledger),
      epoch: count(
        'How often the ledger was restored, plus one: events are ordered by epoch, then position',
        1,
      ),
      position: position('Its place in the journal, from 1, without a gap'),
      occurredAt: time('When it was recorded'),
      data: {
        description: `${resource.description} Null once it was erased`,
        anyOf: [resource, { type: 'null' }],
      },
      skipped: listOf(
        typeId('evt', 'An event', exampleIds.event),
        'Where the endpoint is ordered: earlier events of its accounts that were given up',
      ),
    },
    descriptions[type],
    ['skipped'],
  );
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', title: type, ...body };
}
