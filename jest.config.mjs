// One runner for every kind of test; the suffix of a file tells what it costs:
// .spec (pure, beside its file), .int.spec (a real Postgres), .e2e.spec (the built product, from outside),
// .kafka.spec (a real broker as well; by `npm run test:kafka`), .faults.spec and .kafka-faults.spec (the whole product,
// killed and frozen, the latter over a real broker; by `npm run test:faults`), .exhaustion.spec (the same, when
// something runs out; by `npm run test:exhaustion`), .rehearsal.spec (backups and restores; by
// `npm run test:rehearsals`), .upgrade.spec (two releases at once; by `npm run test:upgrade`), .fuzz.spec (both apps,
// asked and abused at random; by `npm run test:fuzz`).
const shared = {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: {
    '^#([a-z-]+)$': '<rootDir>/libs/$1/src/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
        },
        module: { type: 'es6' },
      },
    ],
  },
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/'],
};

const database = {
  globalSetup: '<rootDir>/test/support/postgres-global-setup.mjs',
  globalTeardown: '<rootDir>/test/support/postgres-global-teardown.mjs',
};

export default {
  // Twice the cores of a small machine: end-to-end suites wait for much of their time.
  maxWorkers: 4,
  projects: [
    {
      ...shared,
      displayName: 'unit',
      testMatch: ['<rootDir>/{apps,libs,tools}/**/*.spec.ts'],
      testPathIgnorePatterns: [...shared.testPathIgnorePatterns, '\\.(int|e2e|kafka)\\.spec\\.ts$'],
    },
    {
      ...shared,
      displayName: 'architecture',
      testMatch: ['<rootDir>/test/architecture/**/*.spec.ts'],
    },
    {
      ...shared,
      ...database,
      displayName: 'integration',
      testMatch: ['<rootDir>/test/integration/**/*.int.spec.ts'],
    },
    {
      ...shared,
      ...database,
      displayName: 'e2e',
      testMatch: ['<rootDir>/test/e2e/**/*.e2e.spec.ts'],
    },
    {
      ...shared,
      ...database,
      globalSetup: '<rootDir>/test/support/kafka-global-setup.mjs',
      displayName: 'kafka',
      testMatch: ['<rootDir>/test/kafka/**/*.kafka.spec.ts'],
    },
    {
      ...shared,
      ...database,
      displayName: 'model',
      testMatch: ['<rootDir>/test/model/**/*.spec.ts'],
    },
    {
      ...shared,
      ...database,
      displayName: 'faults',
      testMatch: ['<rootDir>/test/faults/**/*.faults.spec.ts'],
    },
    {
      ...shared,
      ...database,
      globalSetup: '<rootDir>/test/support/kafka-global-setup.mjs',
      displayName: 'kafka-faults',
      testMatch: ['<rootDir>/test/faults/**/*.kafka-faults.spec.ts'],
    },
    {
      ...shared,
      ...database,
      displayName: 'fuzz',
      testMatch: ['<rootDir>/test/fuzz/**/*.fuzz.spec.ts'],
    },
    {
      ...shared,
      ...database,
      displayName: 'upgrade',
      testMatch: ['<rootDir>/test/upgrade/**/*.upgrade.spec.ts'],
    },
    {
      ...shared,
      ...database,
      displayName: 'rehearsals',
      testMatch: ['<rootDir>/test/rehearsals/**/*.rehearsal.spec.ts'],
    },
    {
      ...shared,
      ...database,
      displayName: 'exhaustion',
      testMatch: ['<rootDir>/test/exhaustion/**/*.exhaustion.spec.ts'],
    },
  ],
};
