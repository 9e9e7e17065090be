'use strict';
/**
 * The import rules, by path. Type-only imports count: a type taken from the wrong side couples as firmly as a
 * call. Subpath imports (`#domain`) are followed to the TypeScript sources, never to dist, whether it is there
 * or not. Each rule has a planted violation in test/architecture, and `npm run check` fails when one of them
 * stops being found.
 */
const { join } = require('node:path');

/** A package in node_modules, or its bare name where it is not installed. */
const npmPackage = (pattern) => `(^|/node_modules/|^node_modules/)${pattern}(/|$)`;

const KAFKAJS = npmPackage('kafkajs');
const TYPEORM = npmPackage('(@nestjs/)?typeorm');
const NEST = npmPackage('@nestjs');
/** What takes requests, and what checks bodies. */
const HTTP = [npmPackage('(@fastify|fastify|class-validator|find-my-way|negotiator)'), '^(node:)?https?$'];
const SPEC = '\\.spec\\.ts$';
/** As found in the tree, or as written where the project is not built. */
const BUILD_OUTPUT = '^[./]*dist/';
const LIB_INDEX = '^libs/[^/]+/src/index\\.ts$';

/** Where a program starts: nobody imports these, and what they don't reach is dead. */
const ENTRY_POINTS = ['(^|/)main\\.ts$', SPEC, '^test/', '^tools/'];

const rule = (name, comment, from, to) => ({ name, severity: 'error', comment, from, to });

const forbidden = [
  rule(
    'domain-imports-nothing',
    'The domain is pure TypeScript: no package, no Node module, no other lib.',
    { path: '^libs/domain/', pathNot: SPEC },
    { pathNot: '^libs/domain/' },
  ),
  rule(
    'domain-specs-import-no-other-code',
    'A domain spec may use a test library; the code of this repository that it sees is the domain alone.',
    { path: `^libs/domain/.*${SPEC}` },
    { path: '^(apps|libs|migrations|tools|bench)/', pathNot: '^libs/domain/' },
  ),
  rule(
    'contracts-import-no-lib-no-app',
    'The contracts are all that other systems may depend on, so they stand alone.',
    { path: '^libs/contracts/' },
    { path: '^(apps|libs)/', pathNot: '^libs/contracts/' },
  ),
  rule(
    'platform-imports-no-lib-no-app',
    'The platform serves both apps and knows nothing of ledgers.',
    { path: '^libs/platform/' },
    { path: '^(apps|libs)/', pathNot: '^libs/platform/' },
  ),
  rule(
    'http-knows-the-platform-alone',
    'How an app answers over HTTP is the same for both of them, whatever they answer.',
    { path: '^libs/http/' },
    { path: '^(apps|libs)/', pathNot: '^libs/(http|platform)/' },
  ),
  rule(
    'journal-stays-below',
    'The journal is plain SQL under the apps: no app, no HTTP, no wire format, no broker, no object mapper.',
    { path: '^libs/journal/' },
    { path: ['^apps/', '^libs/(http|contracts)/', KAFKAJS, TYPEORM] },
  ),
  rule(
    'below-the-apps-no-framework',
    'What is below the apps is built and tested without a framework, and answers nobody over HTTP.',
    {
      path: '^libs/(contracts|platform|journal|event-stream)/',
      pathNot: '^libs/journal/src/journal\\.module\\.ts$',
    },
    { path: [NEST, ...HTTP] },
  ),
  rule(
    'event-stream-reads-by-its-function-only',
    'What the dispatcher may not import it may not get through the stream either.',
    { path: '^libs/event-stream/' },
    { path: '^libs/', pathNot: '^libs/(event-stream|contracts|platform)/' },
  ),
  rule(
    'openapi-stays-general',
    'How routes are declared and documented is the same for both apps: of their things it knows none.',
    { path: '^libs/openapi/' },
    { path: '^libs/', pathNot: '^libs/(openapi|access|http|platform)/' },
  ),
  rule(
    'libs-import-no-app',
    'Imports point inward; the rules of domain, contracts, platform, http and journal say it for those.',
    { path: '^libs/', pathNot: '^libs/(domain|contracts|platform|http|journal)/' },
    { path: '^apps/' },
  ),
  rule(
    'dispatcher-imports-no-domain-no-journal',
    'The dispatcher knows the contracts and the event stream, never what is behind them.',
    { path: '^apps/webhook-dispatcher/' },
    { path: '^libs/(domain|journal)/' },
  ),
  rule(
    'apps-import-no-other-app',
    'Apps are deployed apart and meet over the network only.',
    { path: '^apps/([^/]+)/' },
    { path: '^apps/', pathNot: '^apps/$1/' },
  ),
  rule(
    'libs-are-entered-by-index',
    'What a lib offers is its index.ts; the files behind it may change freely.',
    { path: '^([^/]+/[^/]+)' },
    { path: '^libs/', pathNot: ['^$1/', LIB_INDEX] },
  ),
  rule(
    'kafkajs-in-event-stream-only',
    'The traps of kafkajs are dealt with in one place.',
    {
      path: '^(apps|libs|migrations|tools|bench|test)/',
      // Tests judge what was written by another reader than the product's.
      pathNot: '^(libs/event-stream/|test/support/topic-reader\\.ts$)',
    },
    { path: KAFKAJS },
  ),
  rule(
    'typeorm-where-named-only',
    'Migrations and plain administration tables use TypeORM; the journal and the lists are written SQL.',
    {
      path: '^(apps|libs|migrations|tools|bench|test)/',
      pathNot: '^(migrations|libs/access)/',
    },
    { path: TYPEORM },
  ),
  rule(
    'model-imports-nothing',
    'The model of the ledger is written apart from what it judges: no package, no Node module, no other code.',
    { path: '^test/model/ledger/' },
    { pathNot: '^test/model/ledger/' },
  ),
  rule(
    'model-test-meets-the-product-over-http',
    'What checks the answers takes nothing from what gives them.',
    { path: '^test/model/' },
    { path: '^(apps|libs|migrations|tools|bench)/' },
  ),
  rule(
    'runtime-code-uses-runtime-packages',
    'The image is built without devDependencies, so what runs in it may not import one.',
    { path: '^(apps|libs|migrations|tools/(backup|cli|migrate|rebuild|restore|verify))/', pathNot: SPEC },
    { dependencyTypes: ['npm-dev', 'npm-no-pkg'], dependencyTypesNot: ['type-only'] },
  ),
  rule('no-cycles', 'Files that need each other are one file or three.', {}, { circular: true }),
  rule(
    'no-orphans',
    'Nothing that starts a program or a test reaches this file: it is dead.',
    { path: ENTRY_POINTS },
    { path: '^(apps|libs|migrations|bench)/', pathNot: ENTRY_POINTS, reachable: false },
  ),
  rule(
    'sources-import-no-build-output',
    'An import that lands in dist escapes every rule above. Launchers (.mjs) start what was built.',
    { pathNot: '\\.mjs$' },
    { path: BUILD_OUTPUT },
  ),
  rule(
    'everything-resolves',
    'An import that cannot be followed cannot be judged.',
    {},
    { couldNotResolve: true, pathNot: BUILD_OUTPUT },
  ),
];

module.exports = {
  forbidden,
  options: {
    doNotFollow: { path: ['node_modules', '^dist/'] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: join(__dirname, 'tsconfig.json') },
    webpackConfig: { fileName: join(__dirname, 'test/architecture/subpath-imports.cjs') },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types', 'require'],
      mainFields: ['module', 'main', 'types', 'typings'],
    },
  },
};
