import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Inject,
  Param,
  Patch,
  Post,
  Query,
  Res,
} from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type pg from 'pg';
import { Access, Caller, type Principal } from '#access';
import type { EventStream } from '#event-stream';
import { DtoPipe } from '#http';
import { ListQuery, pageAnswer, pageErrors, readPageRequest } from '#openapi';
import { SecretBox } from '#platform';
import { API_POOL, EVENT_STREAM } from '../database.js';
import type { EndpointUrlRules } from '../delivery/endpoint-url.js';
import { Documented } from '../http/documented.js';
import { pathEndpointId, recoveryIdOf } from '../http/ids.js';
import { createEndpoint, type CreatedEndpoint } from './create-endpoint.js';
import { deleteEndpoint } from './delete-endpoint.js';
import { disableEndpoint } from './disable-endpoint.js';
import { enableEndpoint } from './enable-endpoint.js';
import {
  CreateEndpointBody,
  RecoverEndpointBody,
  RotateSecretBody,
  TestEndpointBody,
  UpdateEndpointBody,
} from './endpoint-bodies.js';
import { overlapSecondsDefault } from './endpoint-limits.js';
import { newEndpointDefaults, settingsOf } from './endpoint-settings.js';
import { readEndpointStats } from './endpoint-stats.js';
import { presentEndpoint } from './endpoint.js';
import { findEndpoint } from './find-endpoint.js';
import { listEndpoints } from './list-endpoints.js';
import { countMissed, rangeOf, recoverEndpoint } from './recover-endpoint.js';
import { rotateSecret } from './rotate-secret.js';
import { EndpointTester } from './test-endpoint.js';
import { updateEndpoint } from './update-endpoint.js';
import { URL_RULES } from './url-rules.js';

@Controller('v1/webhook-endpoints')
export class WebhookEndpointsController {
  constructor(
    @Inject(API_POOL) private readonly pool: pg.Pool,
    @Inject(EVENT_STREAM) private readonly stream: EventStream,
    @Inject(URL_RULES) private readonly rules: EndpointUrlRules,
    private readonly secrets: SecretBox,
    private readonly tester: EndpointTester,
  ) {}

  @Documented({
    summary: 'Create an endpoint',
    description:
      'It gets events that are recorded from now on. Its secret is shown this once. One that is made with a key ' +
      'bound to an owner gets the events that touch an account of that owner, without what the owner may not see.',
    answers: { 201: 'EndpointWithSecretAnswer' },
    errors: ['too_many_endpoints'],
  })
  @Post()
  @Access('webhooks:write')
  async create(@Body(DtoPipe) body: CreateEndpointBody, @Caller() caller: Principal) {
    const settings = { ...newEndpointDefaults, ...settingsOf(body, this.rules), url: body.url };
    return withSecret(await createEndpoint(this.pool, this.stream, this.secrets, caller, settings));
  }

  @Documented({
    summary: 'List endpoints',
    description: 'Newest first. To a key that is bound to an owner, those that were made by such a key.',
    answers: { 200: 'EndpointPage' },
    errors: pageErrors,
  })
  @Get()
  @Access('webhooks:read')
  async list(@Query(DtoPipe) query: ListQuery, @Caller() caller: Principal) {
    return pageAnswer(await listEndpoints(this.pool, caller, readPageRequest(query)), presentEndpoint);
  }

  @Documented({
    summary: 'Get an endpoint',
    id: 'endpoint',
    answers: { 200: 'EndpointAnswer' },
    errors: ['not_found'],
  })
  @Get(':id')
  @Access('webhooks:read')
  async get(@Param('id') id: string, @Caller() caller: Principal) {
    return { data: presentEndpoint(await findEndpoint(this.pool, caller, pathEndpointId(id))) };
  }

  @Documented({
    summary: 'Change an endpoint',
    description: 'What is absent stays as it is. What is due already is sent by the new settings.',
    id: 'endpoint',
    answers: { 200: 'EndpointAnswer' },
    errors: ['not_found'],
  })
  @Patch(':id')
  @Access('webhooks:write')
  async update(
    @Param('id') id: string,
    @Body(DtoPipe) body: UpdateEndpointBody,
    @Caller() caller: Principal,
  ) {
    const changes = settingsOf(body, this.rules);
    return { data: presentEndpoint(await updateEndpoint(this.pool, caller, pathEndpointId(id), changes)) };
  }

  @Documented({
    summary: 'Delete an endpoint',
    description: 'What is due is cancelled; what became of its deliveries stays readable.',
    id: 'endpoint',
    answers: { 204: 'nothing' },
    errors: ['not_found'],
  })
  @Delete(':id')
  @HttpCode(204)
  @Access('webhooks:write')
  async delete(@Param('id') id: string, @Caller() caller: Principal): Promise<void> {
    await deleteEndpoint(this.pool, caller, pathEndpointId(id));
  }

  @Documented({
    summary: 'Enable an endpoint',
    description: 'What it has missed is sent when it is asked to recover.',
    id: 'endpoint',
    answers: { 200: 'EndpointAnswer' },
    errors: ['not_found'],
  })
  @Post(':id/enable')
  @HttpCode(200)
  @Access('webhooks:write')
  async enable(@Param('id') id: string, @Caller() caller: Principal) {
    return { data: presentEndpoint(await enableEndpoint(this.pool, caller, pathEndpointId(id))) };
  }

  @Documented({
    summary: 'Disable an endpoint',
    description: 'What is due is cancelled.',
    id: 'endpoint',
    answers: { 200: 'EndpointAnswer' },
    errors: ['not_found'],
  })
  @Post(':id/disable')
  @HttpCode(200)
  @Access('webhooks:write')
  async disable(@Param('id') id: string, @Caller() caller: Principal) {
    return { data: presentEndpoint(await disableEndpoint(this.pool, caller, pathEndpointId(id))) };
  }

  @Documented({
    summary: 'Give an endpoint a new secret',
    description: 'It signs from the next attempt on, and the one before it too until the overlap is over.',
    id: 'endpoint',
    answers: { 200: 'EndpointWithSecretAnswer' },
    errors: ['not_found'],
  })
  @Post(':id/rotate-secret')
  @HttpCode(200)
  @Access('webhooks:write')
  async rotateSecret(
    @Param('id') id: string,
    @Body(DtoPipe) { overlapSeconds = overlapSecondsDefault }: RotateSecretBody,
    @Caller() caller: Principal,
  ) {
    const endpointId = pathEndpointId(id);
    return withSecret(await rotateSecret(this.pool, this.secrets, caller, endpointId, overlapSeconds));
  }

  @Documented({
    summary: 'Test an endpoint',
    description: 'Sends the example of a type of event, signed like any other, and tells what came back.',
    id: 'endpoint',
    answers: { 200: 'EndpointTestAnswer' },
    errors: ['not_found', 'overloaded'],
  })
  @Post(':id/test')
  @HttpCode(200)
  @Access('webhooks:write')
  async test(
    @Param('id') id: string,
    @Body(DtoPipe) { eventType }: TestEndpointBody,
    @Caller() caller: Principal,
  ) {
    const outcome = await this.tester.test(caller, pathEndpointId(id), eventType);
    return {
      data: {
        statusCode: outcome.statusCode,
        errorClass: outcome.errorClass,
        latencyMs: outcome.durationMs,
        requestHeaders: outcome.requestHeaders,
        responseBody: outcome.responseBody,
      },
    };
  }

  @Documented({
    summary: 'Send an endpoint what it has missed',
    description:
      'Events of the last 30 days that it wants and that have not succeeded for it, those included that were ' +
      'recorded while it was disabled. With dryRun they are only counted (200).',
    id: 'endpoint',
    answers: { 200: 'RecoveryCountAnswer', 202: 'RecoveryAnswer' },
    errors: ['not_found', 'endpoint_disabled'],
  })
  @Post(':id/recover')
  @HttpCode(202)
  @Access('webhooks:write')
  async recover(
    @Param('id') id: string,
    @Body(DtoPipe) body: RecoverEndpointBody,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const range = rangeOf(body, new Date());
    if (body.dryRun === true) {
      const count = await countMissed(this.pool, caller, pathEndpointId(id), range);
      reply.code(200);
      return { data: { count } };
    }
    const recovery = await recoverEndpoint(this.pool, caller, pathEndpointId(id), range);
    return { data: { ...recovery, id: recoveryIdOf(recovery.id) } };
  }

  @Documented({
    summary: 'Tell how an endpoint has done',
    id: 'endpoint',
    answers: { 200: 'EndpointStatsAnswer' },
    errors: ['not_found'],
  })
  @Get(':id/stats')
  @Access('webhooks:read')
  async stats(@Param('id') id: string, @Caller() caller: Principal) {
    const endpoint = await findEndpoint(this.pool, caller, pathEndpointId(id));
    return { data: await readEndpointStats(this.pool, caller.ledgerId, endpoint.id) };
  }
}

function withSecret({ endpoint, secret }: CreatedEndpoint) {
  return { data: { ...presentEndpoint(endpoint), secret } };
}
