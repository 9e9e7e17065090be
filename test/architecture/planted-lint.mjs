/** Files of a small project: code that breaks a lint rule and the rule that must say so, or code that breaks none. */
const plant = (what, file, code, rule) => ({ what, file, code: `${code}\n`, fires: rule ? [rule] : [] });

const ENVIRONMENT = `declare const process: { env: Record<string, string | undefined> };`;

export const plantedLint = [
  plant(
    'a promise that nobody awaits',
    'apps/ledger/src/floating.ts',
    `async function post(): Promise<void> {}\nexport function run(): void {\n  post();\n}`,
    '@typescript-eslint/no-floating-promises',
  ),
  plant(
    'a promise that a test does not await',
    'test/e2e/floating.e2e.spec.ts',
    `async function post(): Promise<void> {}\nexport function run(): void {\n  post();\n}`,
    '@typescript-eslint/no-floating-promises',
  ),
  plant(
    'a switch that forgets a case',
    'libs/journal/src/switch.ts',
    `export function sign(side: 'debit' | 'credit'): number {\n  switch (side) {\n    case 'debit':\n      return -1;\n  }\n  return 1;\n}`,
    '@typescript-eslint/switch-exhaustiveness-check',
  ),
  plant(
    'any',
    'libs/platform/src/any.ts',
    `export type Row = Record<string, any>;`,
    '@typescript-eslint/no-explicit-any',
  ),
  plant(
    'an environment variable outside config.ts',
    'apps/ledger/src/environment.ts',
    `${ENVIRONMENT}\nexport const port = process.env['PORT'];`,
    'no-restricted-properties',
  ),
  plant(
    'the environment taken apart',
    'libs/platform/src/environment.ts',
    `${ENVIRONMENT}\nexport const { env } = process;`,
    'no-restricted-properties',
  ),
  plant(
    'the environment imported',
    'bench/transfers/environment.ts',
    `import { env } from 'node:process';\nexport const environment: unknown = env;`,
    'no-restricted-imports',
  ),
  plant(
    'the environment in config.ts',
    'apps/ledger/src/config.ts',
    `${ENVIRONMENT}\nexport const port = process.env['PORT'];`,
  ),
  plant(
    'new Date in the domain',
    'libs/domain/src/new-date.ts',
    `export const now = new Date(0);`,
    'no-restricted-syntax',
  ),
  plant(
    'Date() in the domain',
    'libs/domain/src/date-call.ts',
    `export const now = Date();`,
    'no-restricted-syntax',
  ),
  plant(
    'Date.now in the domain',
    'libs/domain/src/date-now.ts',
    `export const now = Date.now();`,
    'no-restricted-properties',
  ),
  plant(
    'Math.random in the domain',
    'libs/domain/src/random.ts',
    `export const dice = Math.random();`,
    'no-restricted-properties',
  ),
  plant(
    'performance in the domain',
    'libs/domain/src/performance.ts',
    `export const now = performance.now();`,
    'no-restricted-globals',
  ),
  plant('Date in an app', 'apps/ledger/src/date.ts', `export const now = new Date(Date.now());`),
];
