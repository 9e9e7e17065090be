import { Controller, Get, Module } from '@nestjs/common';
import { Registry } from 'prom-client';
import { Access, scopes } from '#access';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import {
  registeredDispatcherRoutes,
  registeredRoutes,
  routesOf,
  type RegisteredRoute,
} from '../support/registered-routes.js';

/** Whoever adds a route says who may call it. One that doesn't is refused to everybody, and fails here. */
const known: readonly (string | undefined)[] = ['open', 'any-key', 'operator', ...scopes];

const undeclared = (routes: readonly RegisteredRoute[]) =>
  routes.filter(({ access }) => !known.includes(access)).map(({ name }) => name);

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

test('every route of both apps declares its access', async () => {
  const ofLedger = await registeredRoutes(database.ledgerUrl);
  const ofDispatcher = await registeredDispatcherRoutes(database.dispatcherUrl);
  expect([ofLedger.length > 20, ofDispatcher.length > 15]).toEqual([true, true]);
  expect(undeclared([...ofLedger, ...ofDispatcher])).toEqual([]);
});

test('nothing is open but what the contract says is', async () => {
  const routes = [
    ...(await registeredRoutes(database.ledgerUrl)),
    ...(await registeredDispatcherRoutes(database.dispatcherUrl)),
  ];
  const open = routes.filter(({ access }) => access === 'open').map(({ name }) => name);
  expect([...new Set(open)].sort()).toEqual([
    'GET /.well-known/jwks.json',
    'GET /health/live',
    'GET /health/ready',
    'GET /metrics',
  ]);
});

test('a route without one would be found', async () => {
  @Controller()
  class PlantedController {
    @Get('declared')
    @Access('admin')
    declared() {
      return {};
    }

    @Get('forgotten')
    forgotten() {
      return {};
    }
  }
  @Module({ controllers: [PlantedController] })
  class PlantedModule {}
  expect(undeclared(await routesOf(PlantedModule, new Registry()))).toEqual(['GET /forgotten']);
});
