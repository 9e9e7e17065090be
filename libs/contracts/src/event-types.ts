import type { EventTypeName } from './event-content.js';
import { exampleRecords, furtherExamples } from './example-records.js';
import type { JournalRecord } from './journal-record.js';
import { accountSchema, currencySchema, exchangeRateSchema, periodSchema } from './resource-schemas.js';
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
import { captureSchema, holdSchema, postedSchema, reversalSchema } from './transaction-schemas.js';
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

interface Described {
  readonly description: string;
  readonly resource: JsonSchema;
}

const described: Readonly<Record<EventTypeName, Described>> = {
  'account.opened': {
    description:
      'An account was opened. System accounts are opened by the first transaction that needs them.',
    resource: accountSchema,
  },
  'account.updated': {
    description: 'Settings of an account were changed: its name, limits, visibility, status and so on.',
    resource: accountSchema,
  },
  'account.closed': {
    description: 'An account was closed, for ever. It was empty.',
    resource: accountSchema,
  },
  'transaction.posted': {
    description: 'Money moved, all postings of the transaction or none, and has settled.',
    resource: postedSchema,
  },
  'transaction.pending': {
    description: 'Money was set aside by a hold: the sender has it no longer, the recipient not yet.',
    resource: holdSchema,
  },
  'transaction.captured': {
    description: 'All or a part of a hold has settled. If it was the last part, the rest was released.',
    resource: captureSchema,
  },
  'transaction.reversed': {
    description: 'All or a part of an earlier transaction was given back.',
    resource: reversalSchema,
  },
  'transaction.voided': {
    description: 'What was left of a hold was released because somebody asked for it.',
    resource: holdSchema,
  },
  'transaction.expired': {
    description: 'What was left of a hold was released because its time had come.',
    resource: holdSchema,
  },
  'transaction.extended': {
    description: 'A hold was given more time. Nothing moved.',
    resource: holdSchema,
  },
  'exchange-rate.set': {
    description:
      'The ledger changes one currency into another at this rate from now on. Only for those bound to no owner.',
    resource: exchangeRateSchema,
  },
  'currency.added': {
    description: 'The ledger has a currency of its own. Only for those bound to no owner.',
    resource: currencySchema,
  },
  'period.closed': {
    description: 'Nothing can take effect any more before a certain time. Only for those bound to no owner.',
    resource: periodSchema,
  },
};

/** Every type of event that the ledger writes. */
export const eventTypes: readonly EventTypeDescription[] = (Object.keys(described) as EventTypeName[]).map(
  (type) => ({
    type,
    description: described[type].description,
    version: 1,
    schema: bodySchema(type, described[type]),
    example: bodyOf(exampleRecords[type]),
  }),
);

function bodyOf(record: JournalRecord): WebhookBody {
  return webhookBodyOf(renderStreamEvent(record), { ownerId: null });
}

function bodySchema(type: EventTypeName, { description, resource }: Described): JsonSchema {
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
    description,
    ['skipped'],
  );
  const examples = furtherExamples.filter((record) => record.type === type).map(bodyOf);
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: type,
    ...body,
    ...(examples.length > 0 ? { examples } : {}),
  };
}
