import { Controller, Get, Header, Inject, type Type } from '@nestjs/common';
import type { Registry } from 'prom-client';
import { Access } from '#access';
import { unavailableError } from '#http';
import { Readiness, REGISTRY } from '#platform';
import type { RouteDescription } from './documented.js';

type Describe = (route: RouteDescription<'HealthAnswer', never, never, never, never>) => MethodDecorator;

/** Health and metrics, for whoever runs an app; none of it needs a key. */
export function operationsController(Documented: Describe): Type {
  @Controller()
  class OperationsController {
    constructor(
      @Inject(REGISTRY) private readonly registry: Registry,
      private readonly readiness: Readiness,
    ) {}

    @Documented({ summary: 'Tell that the process runs', answers: { 200: 'HealthAnswer' } })
    @Get('health/live')
    @Access('open')
    live() {
      return { status: 'ok' };
    }

    @Documented({
      summary: 'Tell whether requests can be served',
      description: 'The database answers and has every migration.',
      answers: { 200: 'HealthAnswer' },
      errors: ['unavailable'],
    })
    @Get('health/ready')
    @Access('open')
    async ready() {
      const problem = await this.readiness.problem();
      if (problem !== null) throw unavailableError('unavailable', problem);
      return { status: 'ok' };
    }

    @Documented({
      summary: "Get the process's metrics",
      description: 'For Prometheus.',
      answers: { 200: 'text' },
    })
    @Get('metrics')
    @Access('open')
    @Header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
    metrics(): Promise<string> {
      return this.registry.metrics();
    }
  }
  return OperationsController;
}
