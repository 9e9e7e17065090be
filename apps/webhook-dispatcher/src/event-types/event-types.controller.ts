import { Controller, Get } from '@nestjs/common';
import { Access } from '#access';
import { eventTypes } from '#contracts';
import { Documented } from '../http/documented.js';

@Controller('v1/event-types')
export class EventTypesController {
  @Documented({
    summary: 'List the types of events',
    description: 'Each with the JSON Schema of its webhook, and an example.',
    answers: { 200: 'EventTypesAnswer' },
  })
  @Get()
  @Access('any-key')
  list() {
    return {
      data: eventTypes.map(({ type, description, version, schema, example }) => ({
        type,
        description,
        version,
        schema,
        example,
      })),
    };
  }
}
