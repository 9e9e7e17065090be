import { Controller, Get, Query } from '@nestjs/common';
import { Access, AccessDatabase, Caller, listAuditLog, presentAuditEntry, type Principal } from '#access';
import { DtoPipe } from '#http';
import {
  ListQuery,
  pageAnswer,
  pageErrors,
  readPageRequest,
  readTimes,
  TextParameter,
  TimeParameter,
} from '#openapi';
import { Documented } from '../http/documented.js';

export class AuditLogQuery extends ListQuery {
  @TextParameter('Who did it: the id of a key, or operator, cli, dispatcher or environment')
  'filter[actor]'?: string;

  @TextParameter('What was done, such as api_key.created')
  'filter[action]'?: string;

  @TextParameter('The id of what was changed')
  'filter[subject]'?: string;

  @TimeParameter('Done at this time or later')
  'filter[createdAt][gte]'?: string;

  @TimeParameter('Done later than this')
  'filter[createdAt][gt]'?: string;

  @TimeParameter('Done at this time or earlier')
  'filter[createdAt][lte]'?: string;

  @TimeParameter('Done earlier than this')
  'filter[createdAt][lt]'?: string;
}

@Controller('v1/audit-log')
export class AuditLogController {
  constructor(private readonly database: AccessDatabase) {}

  @Documented({
    summary: 'Read the audit log',
    description:
      'Every change of the ledger’s keys, webhook endpoints and settings, written with the change itself; newest ' +
      'first. Secrets are not in it.',
    answers: { 200: 'AuditLogPage' },
    errors: pageErrors,
  })
  @Get()
  @Access('admin')
  async list(@Query(DtoPipe) query: AuditLogQuery, @Caller() { ledgerId }: Principal) {
    const filters = {
      actor: query['filter[actor]'],
      action: query['filter[action]'],
      subject: query['filter[subject]'],
      createdAt: readTimes(query),
    };
    const page = await listAuditLog(this.database, ledgerId, filters, readPageRequest(query));
    return pageAnswer(page, presentAuditEntry);
  }
}
