import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

// Settings are read once, in a file named config.ts, and refused there when they are wrong; anywhere else an
// environment variable is a parameter that nobody sees.
const NO_ENVIRONMENT = 'Read settings in a file named config.ts and pass them on.';
const environmentProperties = [
  { object: 'process', property: 'env', message: NO_ENVIRONMENT },
  { object: 'globalThis', property: 'process', message: NO_ENVIRONMENT },
];
const environmentImports = ['process', 'node:process'].map((name) => ({
  name,
  importNames: ['env'],
  message: NO_ENVIRONMENT,
}));

// Time and randomness enter the domain as data: the same input gives the same decision on every machine.
const NO_CLOCK = 'Time and randomness enter the domain as data.';
const clockProperties = [
  { object: 'Date', property: 'now', message: NO_CLOCK },
  { object: 'Math', property: 'random', message: NO_CLOCK },
  { object: 'process', property: 'hrtime', message: NO_CLOCK },
];
const clockGlobals = [
  'performance',
  'crypto',
  'process',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'fetch',
  'console',
].map((name) => ({ name, message: NO_CLOCK }));
const clockSyntax = ['NewExpression', 'CallExpression'].map((node) => ({
  selector: `${node}[callee.name="Date"]`,
  message: NO_CLOCK,
}));

const nodeGlobals = Object.fromEntries(
  Object.getOwnPropertyNames(globalThis).map((name) => [name, 'readonly']),
);

export default defineConfig(
  globalIgnores(['dist/', '.data/', 'coverage/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  {
    name: 'typed',
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-restricted-properties': ['error', ...environmentProperties],
      'no-restricted-imports': ['error', { paths: environmentImports }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // Frameworks call for async methods that have nothing to wait for yet.
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    name: 'settings',
    files: ['**/config.ts', 'test/support/**'],
    rules: { 'no-restricted-properties': 'off', 'no-restricted-imports': 'off' },
  },
  {
    name: 'domain',
    files: ['libs/domain/**/*.ts'],
    ignores: ['**/*.spec.ts'],
    rules: {
      'no-restricted-properties': ['error', ...environmentProperties, ...clockProperties],
      'no-restricted-globals': ['error', ...clockGlobals],
      'no-restricted-syntax': ['error', ...clockSyntax],
    },
  },
  {
    // Bodies of HTTP answers and rows of ad-hoc queries have no type, and a test says by its expectations
    // what they must be. A promise that nobody awaits stays an error here too.
    name: 'tests',
    files: ['**/*.spec.ts', 'test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  {
    name: 'launchers',
    files: ['**/*.mjs'],
    languageOptions: { globals: nodeGlobals },
  },
  {
    name: 'commonjs',
    files: ['**/*.cjs'],
    languageOptions: {
      sourceType: 'commonjs',
      globals: { ...nodeGlobals, module: 'writable', require: 'readonly', __dirname: 'readonly' },
    },
  },
);
