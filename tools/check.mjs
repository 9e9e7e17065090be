/** `npm run check`: everything that can be said about the sources without running them. The first failure ends it. */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const cache = join(root, 'node_modules/.cache');
mkdirSync(cache, { recursive: true });

// The compiler keeps its own notes here: those in dist belong to the build, which must not believe that
// files were written when they were only checked.
const typeArguments = [
  '-p',
  'tsconfig.json',
  '--noEmit',
  '--tsBuildInfoFile',
  join(cache, 'check.tsbuildinfo'),
];

const steps = [
  ['format', 'node_modules/prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.'],
  ['types', 'node_modules/typescript/bin/tsc', ...typeArguments],
  ['lint', 'node_modules/eslint/bin/eslint.js', '--max-warnings', '0', '.'],
  ['import rules', 'test/architecture/real-tree.mjs'],
  ['planted violations', 'test/architecture/planted-violations.mjs'],
];
const stepTimeoutMs = 180_000;

for (const [name, ...command] of steps) {
  const startedAt = performance.now();
  const step = spawnSync(process.execPath, command, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 64 * 1024 * 1024,
    timeout: stepTimeoutMs,
  });
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  if (step.status !== 0) {
    process.stdout.write(step.stdout);
    process.stderr.write(step.stderr);
    const reason = step.error?.code === 'ETIMEDOUT' ? `no end after ${stepTimeoutMs / 1000} s` : 'failed';
    console.error(`check: ${name} ${reason} (${seconds} s)`);
    process.exit(1);
  }
  console.log(`check: ${name} ok (${seconds} s)`);
}
