import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import {
  Access,
  AccessDatabase,
  createLedger,
  createOrganization,
  findOrganization,
  keyIdOf,
  listLedgers,
  listOrganizations,
  presentLedger,
  presentOrganization,
} from '#access';
import { DtoPipe } from '#http';
import { beginJournal } from '#journal';
import { ListQuery, pageAnswer, pageErrors, readPageRequest } from '#openapi';
import { Documented } from '../http/documented.js';
import { pathOrganizationId } from '../http/ids.js';
import { CreateLedgerBody, CreateOrganizationBody } from './organization-bodies.js';

/** As the audit log names whoever calls with OPERATOR_API_KEY. */
const operator = 'operator';

/** What the operator of the service does, whose key opens no ledger. */
@Controller('v1/organizations')
export class OrganizationsController {
  constructor(private readonly database: AccessDatabase) {}

  @Documented({ summary: 'Create an organization', answers: { 201: 'OrganizationAnswer' } })
  @Post()
  @Access('operator')
  async create(@Body(DtoPipe) { name }: CreateOrganizationBody) {
    return { data: presentOrganization(await createOrganization(this.database, operator, name)) };
  }

  @Documented({
    summary: 'List organizations',
    description: 'Newest first.',
    answers: { 200: 'OrganizationPage' },
    errors: pageErrors,
  })
  @Get()
  @Access('operator')
  async list(@Query(DtoPipe) query: ListQuery) {
    return pageAnswer(await listOrganizations(this.database, readPageRequest(query)), presentOrganization);
  }

  @Documented({
    summary: 'Get an organization',
    id: 'organization',
    answers: { 200: 'OrganizationAnswer' },
    errors: ['not_found'],
  })
  @Get(':id')
  @Access('operator')
  async get(@Param('id') id: string) {
    return { data: presentOrganization(await findOrganization(this.database, pathOrganizationId(id))) };
  }

  @Documented({
    summary: 'Create a ledger',
    description: 'With its first key, which has every scope; its secret is shown this once.',
    id: 'organization',
    answers: { 201: 'NewLedgerAnswer' },
    errors: ['not_found'],
  })
  @Post(':id/ledgers')
  @Access('operator')
  async createLedger(@Param('id') id: string, @Body(DtoPipe) body: CreateLedgerBody) {
    const organizationId = pathOrganizationId(id);
    const made = await createLedger(this.database, beginJournal, operator, organizationId, body);
    return {
      data: { ...presentLedger(made.ledger), apiKey: { id: keyIdOf(made.key.id), secret: made.secret } },
    };
  }

  @Documented({
    summary: 'List ledgers of an organization',
    description: 'Newest first.',
    id: 'organization',
    answers: { 200: 'LedgerPage' },
    errors: ['not_found', ...pageErrors],
  })
  @Get(':id/ledgers')
  @Access('operator')
  async ledgers(@Param('id') id: string, @Query(DtoPipe) query: ListQuery) {
    const request = readPageRequest(query);
    const page = await listLedgers(this.database, pathOrganizationId(id), request);
    return pageAnswer(page, presentLedger);
  }
}
