/**
 * A small tree in the project's layout that breaks no import rule, and for each rule the files that, laid over
 * it, must make exactly the rules named under `fires` speak.
 */
const PACKAGES = ['kafkajs', 'typeorm', 'pg', 'fast-check', 'fastify', '@nestjs/common', '@nestjs/typeorm'];
const DEV_PACKAGES = ['fast-check'];
const LIBS = ['domain', 'journal', 'access', 'http', 'platform', 'contracts', 'event-stream', 'openapi'];

const versions = (names) => Object.fromEntries(names.map((name) => [name, '1.0.0']));

const manifest = {
  type: 'module',
  imports: Object.fromEntries(LIBS.map((lib) => [`#${lib}`, `./dist/libs/${lib}/src/index.js`])),
  dependencies: versions(PACKAGES.filter((name) => !DEV_PACKAGES.includes(name))),
  devDependencies: versions(DEV_PACKAGES),
};

const installed = Object.fromEntries(
  PACKAGES.flatMap((name) => [
    [`node_modules/${name}/package.json`, JSON.stringify({ name, version: '1.0.0', main: 'index.js' })],
    [`node_modules/${name}/index.js`, 'module.exports = {};\n'],
  ]),
);

export const buildOutput = Object.fromEntries(
  LIBS.map((lib) => [`dist/libs/${lib}/src/index.js`, 'export const built = true;\n']),
);

export const soundTree = {
  ...installed,
  'package.json': JSON.stringify(manifest),
  'libs/domain/src/index.ts': `export * from './amounts.js';\n`,
  'libs/domain/src/amounts.ts': `export type Amount = bigint;\n`,
  'libs/domain/src/amounts.spec.ts': `import 'fast-check';\nimport './amounts.js';\n`,
  'libs/contracts/src/index.ts': `export type Envelope = { id: string };\n`,
  'libs/platform/src/index.ts': `import 'pg';\nexport type Limit = number;\n`,
  'libs/http/src/index.ts': `import '@nestjs/common';\nimport 'fastify';\nimport 'node:http';\nimport type { Limit } from '#platform';\nexport type Body = Limit;\n`,
  'libs/journal/src/index.ts': `export * from './journal.module.js';\nexport * from './append-batch.js';\n`,
  'libs/journal/src/journal.module.ts': `import '@nestjs/common';\nexport class JournalModule {}\n`,
  'libs/journal/src/append-batch.ts': `import type { Amount } from '#domain';\nimport type { Limit } from '#platform';\nexport type Batch = [Amount, Limit];\n`,
  'libs/access/src/index.ts': `import 'typeorm';\nimport '@nestjs/common';\nimport type { Body } from '#http';\nexport type Principal = Body | string;\n`,
  'libs/event-stream/src/index.ts': `import 'kafkajs';\nexport type { Envelope } from '#contracts';\n`,
  'libs/openapi/src/index.ts': `import '@nestjs/common';\nimport type { Principal } from '#access';\nimport type { Body } from '#http';\nimport type { Limit } from '#platform';\nexport type Route = [Principal, Body, Limit];\n`,
  'migrations/first.ts': `import 'typeorm';\nexport class First {}\n`,
  'tools/migrate/main.ts': `import '../../migrations/first.js';\n`,
  'apps/ledger/src/main.ts': `import '#domain';\nimport '#journal';\nimport '#access';\nimport '#http';\nimport '#platform';\nimport '#openapi';\nimport './clock.js';\n`,
  'apps/ledger/src/clock.ts': `export const tick = 1;\n`,
  'apps/webhook-dispatcher/src/main.ts': `import '#event-stream';\nimport '#contracts';\nimport './endpoints/endpoints.js';\n`,
  'apps/webhook-dispatcher/src/endpoints/endpoints.ts': `export type Endpoint = string;\n`,
  'test/support/global-setup.mjs': `import '../../dist/libs/journal/src/index.js';\n`,
  'test/integration/journal.int.spec.ts': `import 'fast-check';\nimport '#journal';\n`,
};

const LEDGER_MAIN = 'apps/ledger/src/main.ts';
const DISPATCHER_MAIN = 'apps/webhook-dispatcher/src/main.ts';
const DISPATCHER_ENDPOINTS = 'apps/webhook-dispatcher/src/endpoints/endpoints.ts';

/** A planted violation: the line `code` is added to `file` of the sound tree (`more` adds other files). */
const plant = (what, file, code, fires, more = {}) => ({
  what,
  files: { ...more, [file]: `${more[file] ?? soundTree[file] ?? ''}${code}\n` },
  fires: [fires].flat(),
});

const amounts = 'libs/domain/src/amounts.ts';
const batch = 'libs/journal/src/append-batch.ts';

export const plantedImports = [
  plant(
    'domain takes a type from a lib',
    amounts,
    `import type { Limit } from '#platform';`,
    'domain-imports-nothing',
  ),
  plant('domain takes a package', amounts, `import 'pg';`, 'domain-imports-nothing'),
  plant(
    'domain takes a Node module',
    amounts,
    `import { hash } from 'node:crypto';`,
    'domain-imports-nothing',
  ),
  plant('domain takes a package that is not installed', amounts, `import type { X } from 'left-pad';`, [
    'domain-imports-nothing',
    'everything-resolves',
  ]),
  plant(
    'a domain spec takes the journal',
    'libs/domain/src/amounts.spec.ts',
    `import '#contracts';`,
    'domain-specs-import-no-other-code',
  ),
  plant(
    'contracts take a type from the domain',
    'libs/contracts/src/index.ts',
    `export type { Amount } from '#domain';`,
    'contracts-import-no-lib-no-app',
  ),
  plant(
    'contracts take an app',
    'libs/contracts/src/index.ts',
    `import '../../../apps/ledger/src/clock.js';`,
    'contracts-import-no-lib-no-app',
  ),
  plant(
    'platform names a type of the domain in place',
    'libs/platform/src/index.ts',
    `export type Money = import('#domain').Amount;`,
    'platform-imports-no-lib-no-app',
  ),
  plant(
    'platform takes an app',
    'libs/platform/src/index.ts',
    `import '../../../apps/ledger/src/clock.js';`,
    'platform-imports-no-lib-no-app',
  ),
  plant(
    'http takes a type from access',
    'libs/http/src/index.ts',
    `export type { Principal } from '#access';`,
    ['http-knows-the-platform-alone', 'no-cycles'],
  ),
  plant(
    'http takes an app',
    'libs/http/src/index.ts',
    `import '../../../apps/ledger/src/clock.js';`,
    'http-knows-the-platform-alone',
  ),
  plant(
    'journal takes what answers over HTTP',
    batch,
    `import type { Body } from '#http';`,
    'journal-stays-below',
  ),
  plant('journal takes an app', batch, `import '../../../apps/ledger/src/clock.js';`, 'journal-stays-below'),
  plant(
    'journal takes the contracts',
    batch,
    `import type { Envelope } from '#contracts';`,
    'journal-stays-below',
  ),
  plant('journal takes kafkajs', batch, `import { Kafka } from 'kafkajs';`, [
    'journal-stays-below',
    'kafkajs-in-event-stream-only',
  ]),
  plant('journal takes typeorm', batch, `import type { DataSource } from 'typeorm';`, [
    'journal-stays-below',
    'typeorm-where-named-only',
  ]),
  plant(
    'journal uses Nest outside its module file',
    batch,
    `import { Injectable } from '@nestjs/common';`,
    'below-the-apps-no-framework',
  ),
  plant(
    'platform takes a type of the server',
    'libs/platform/src/index.ts',
    `import type { FastifyRequest } from 'fastify';`,
    'below-the-apps-no-framework',
  ),
  plant(
    'platform takes what answers over HTTP',
    'libs/platform/src/index.ts',
    `import type { Body } from '#http';`,
    ['platform-imports-no-lib-no-app', 'no-cycles'],
  ),
  plant(
    'the event stream answers over HTTP by itself',
    'libs/event-stream/src/index.ts',
    `import { createServer } from 'node:http';`,
    'below-the-apps-no-framework',
  ),
  plant(
    'the machinery of the API description takes a type from the domain',
    'libs/openapi/src/index.ts',
    `import type { Amount } from '#domain';`,
    'openapi-stays-general',
  ),
  plant(
    'access takes an app',
    'libs/access/src/index.ts',
    `import '../../../apps/ledger/src/clock.js';`,
    'libs-import-no-app',
  ),
  plant(
    'the dispatcher takes a type from the domain',
    DISPATCHER_MAIN,
    `import type { Amount } from '#domain';`,
    'dispatcher-imports-no-domain-no-journal',
  ),
  plant(
    'the dispatcher waits for the journal',
    DISPATCHER_MAIN,
    `await import('#journal');`,
    'dispatcher-imports-no-domain-no-journal',
  ),
  plant(
    'the dispatcher takes a file of the ledger app',
    DISPATCHER_MAIN,
    `import '../../ledger/src/clock.js';`,
    'apps-import-no-other-app',
  ),
  plant(
    'the ledger app goes past the index of a lib',
    LEDGER_MAIN,
    `import type { Batch } from '../../../libs/journal/src/append-batch.js';`,
    'libs-are-entered-by-index',
  ),
  plant(
    'a test goes past the index of a lib',
    'test/integration/journal.int.spec.ts',
    `import '../../libs/domain/src/amounts.js';`,
    'libs-are-entered-by-index',
  ),
  plant(
    'the event stream takes a type from the journal',
    'libs/event-stream/src/index.ts',
    `export type { Batch } from '#journal';`,
    'event-stream-reads-by-its-function-only',
  ),
  plant(
    'the event stream takes what answers over HTTP',
    'libs/event-stream/src/index.ts',
    `export type { Body } from '#http';`,
    'event-stream-reads-by-its-function-only',
  ),
  plant(
    'a lib goes past the index of another',
    'libs/event-stream/src/index.ts',
    `import '../../platform/src/limits.js';`,
    'libs-are-entered-by-index',
    {
      'libs/platform/src/limits.ts': `export const pageMax = 100;\n`,
      'libs/platform/src/index.ts': `export * from './limits.js';\n`,
    },
  ),
  plant(
    'the ledger app takes kafkajs',
    LEDGER_MAIN,
    `import type { Producer } from 'kafkajs';`,
    'kafkajs-in-event-stream-only',
  ),
  plant(
    'the ledger app takes TypeORM through Nest',
    LEDGER_MAIN,
    `import '@nestjs/typeorm';`,
    'typeorm-where-named-only',
  ),
  plant('the dispatcher takes typeorm', DISPATCHER_MAIN, `import 'typeorm';`, 'typeorm-where-named-only'),
  plant(
    'the model takes a type from the domain',
    'test/model/ledger/books.ts',
    `import type { Amount } from '#domain';`,
    ['model-imports-nothing', 'model-test-meets-the-product-over-http'],
  ),
  plant(
    'the model takes what tests of the product use',
    'test/model/ledger/books.ts',
    `import '../../support/client.js';`,
    'model-imports-nothing',
    { 'test/support/client.ts': `export const client = 1;\n` },
  ),
  plant(
    'what runs the model test goes past HTTP',
    'test/model/run/run-program.ts',
    `import '#journal';`,
    'model-test-meets-the-product-over-http',
  ),
  plant(
    'runtime code takes a devDependency',
    DISPATCHER_ENDPOINTS,
    `import 'fast-check';`,
    'runtime-code-uses-runtime-packages',
  ),
  plant(
    'runtime code takes a package that is in node_modules by chance',
    LEDGER_MAIN,
    `import 'hoisted';`,
    'runtime-code-uses-runtime-packages',
    {
      'node_modules/hoisted/package.json': JSON.stringify({ name: 'hoisted', main: 'index.js' }),
      'node_modules/hoisted/index.js': '',
    },
  ),
  plant(
    'two files need each other, one of them for a type',
    'apps/ledger/src/clock.ts',
    `import { tock } from './tock.js';`,
    'no-cycles',
    { 'apps/ledger/src/tock.ts': `import type { tick } from './clock.js';\nexport const tock = 2;\n` },
  ),
  plant(
    'a file that nobody imports',
    'libs/domain/src/forgotten.ts',
    `export const forgotten = 1;`,
    'no-orphans',
  ),
  plant(
    'a dead file that imports a live one',
    'apps/ledger/src/unused.ts',
    `import './clock.js';`,
    'no-orphans',
  ),
  plant(
    'a source takes the build output',
    LEDGER_MAIN,
    `import '../../../dist/libs/domain/src/index.js';`,
    'sources-import-no-build-output',
  ),
  plant(
    'a source takes the build output where there is none',
    LEDGER_MAIN,
    `import '../../../dist/libs/domain/src/unbuilt.js';`,
    'sources-import-no-build-output',
  ),
  plant(
    'an import of a file that is not there',
    LEDGER_MAIN,
    `import './missing.js';`,
    'everything-resolves',
  ),
];
