import { Controller, Get, HttpCode, Inject, Param, Post, Query } from '@nestjs/common';
import type pg from 'pg';
import { Access, Caller, type Principal } from '#access';
import { DtoPipe } from '#http';
import { pageAnswer, pageErrors, readPageRequest, readTimes } from '#openapi';
import { API_POOL } from '../database.js';
import { findEndpoint } from '../endpoints/find-endpoint.js';
import { Documented } from '../http/documented.js';
import { pathDeliveryId, pathEndpointId, sentId } from '../http/ids.js';
import { EndpointDeliveriesQuery, ListDeliveriesQuery } from './delivery-queries.js';
import { presentDelivery } from './delivery.js';
import { getDelivery } from './find-delivery.js';
import { listDeliveries, type DeliveryFilters } from './list-deliveries.js';
import { retryDelivery } from './retry-delivery.js';

@Controller('v1')
export class WebhookDeliveriesController {
  constructor(@Inject(API_POOL) private readonly pool: pg.Pool) {}

  @Documented({
    summary: 'List deliveries',
    description:
      'Newest first. Filters combine with AND. A key that is bound to an owner gets those of endpoints that such a ' +
      "key has made, and finds none by the id of another's private account.",
    answers: { 200: 'DeliveryPage' },
    errors: pageErrors,
  })
  @Get('webhook-deliveries')
  @Access('webhooks:read')
  async list(@Query(DtoPipe) query: ListDeliveriesQuery, @Caller() caller: Principal) {
    const endpoint = query['filter[endpointId]'];
    const endpointId = endpoint === undefined ? undefined : sentId('whe', endpoint, 'filter[endpointId]');
    return this.page(query, endpointId, caller);
  }

  @Documented({
    summary: 'List the deliveries of an endpoint',
    description: 'Newest first. Filters combine with AND.',
    id: 'endpoint',
    answers: { 200: 'DeliveryPage' },
    errors: ['not_found', ...pageErrors],
  })
  @Get('webhook-endpoints/:id/deliveries')
  @Access('webhooks:read')
  async listOfEndpoint(
    @Param('id') id: string,
    @Query(DtoPipe) query: EndpointDeliveriesQuery,
    @Caller() caller: Principal,
  ) {
    const endpoint = await findEndpoint(this.pool, caller, pathEndpointId(id));
    return this.page(query, endpoint.id, caller);
  }

  @Documented({
    summary: 'Get a delivery',
    description: 'With what was tried.',
    id: 'delivery',
    answers: { 200: 'DeliveryWithAttemptsAnswer' },
    errors: ['not_found'],
  })
  @Get('webhook-deliveries/:id')
  @Access('webhooks:read')
  async get(@Param('id') id: string, @Caller() caller: Principal) {
    return { data: await getDelivery(this.pool, caller, pathDeliveryId(id)) };
  }

  @Documented({
    summary: 'Retry a delivery',
    description:
      'One that has ended, whatever with, is due again at once, out of order. Where the endpoint is disabled it is cancelled again.',
    id: 'delivery',
    answers: { 202: 'DeliveryAnswer' },
    errors: ['not_found', 'endpoint_deleted', 'delivery_not_ended'],
  })
  @Post('webhook-deliveries/:id/retry')
  @HttpCode(202)
  @Access('webhooks:write')
  async retry(@Param('id') id: string, @Caller() caller: Principal) {
    return { data: presentDelivery(await retryDelivery(this.pool, caller, pathDeliveryId(id))) };
  }

  private async page(query: EndpointDeliveriesQuery, endpointId: string | undefined, caller: Principal) {
    const account = query['filter[accountId]'];
    const filters: DeliveryFilters = {
      status: query['filter[status]'],
      eventType: query['filter[eventType]'],
      endpointId,
      accountId: account === undefined ? undefined : sentId('acc', account, 'filter[accountId]'),
      createdAt: readTimes(query),
    };
    return pageAnswer(
      await listDeliveries(this.pool, caller, filters, readPageRequest(query)),
      presentDelivery,
    );
  }
}
