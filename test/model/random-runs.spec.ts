/**
 * Random programs of several clients against the real product, held against the model: nothing that a client is
 * answered may be without an explanation. `npm run test:model` plays them for longer.
 */
import { randomInt } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { checkRun } from './check/check-run.js';
import { checkAccessRun } from './check/check-access-run.js';
import type { Finding, RecordedRun } from './check/call-log.js';
import { modelSettings } from './config.js';
import { generateAccessProgram } from './generate/access-program.js';
import { generateFollowersProgram } from './generate/followers-program.js';
import { generateProgram } from './generate/generate-program.js';
import { operationsOf, type Program } from './generate/program.js';
import { Figures } from './run/figures.js';
import { readFixtures, writeFixture } from './run/fixtures.js';
import { startProductUnderTest, type ProductUnderTest } from './run/product-under-test.js';
import { runAccessProgram } from './run/run-access-program.js';
import { runProgram } from './run/run-program.js';
import { shrink } from './run/shrink.js';

/** A ledger takes no more, so that a long run needs no more memory than a short one. */
const size = { operations: 800, clients: 8 };
const shrinkingMs = 240_000;

const settings = modelSettings();
const seed = settings.seed ?? randomInt(2 ** 30);
const figures = new Figures();
let product: ProductUnderTest;

beforeAll(async () => {
  product = await startProductUnderTest();
}, 60_000);

afterAll(async () => {
  if (settings.figuresFile !== undefined) writeFileSync(settings.figuresFile, JSON.stringify(figures));
  await product.stop();
});

async function play(program: Program): Promise<{ run: RecordedRun; findings: Finding[] }> {
  const ledger = await product.newLedger();
  const run = await runProgram(ledger, program);
  return { run, findings: checkRun(run) };
}

const told = ({ what, position, call }: Finding): string =>
  `at position ${position}: ${what}\n    ${call === null ? '' : JSON.stringify({ ...call, text: call.text.slice(0, 500) })}`;

test(
  `${settings.seconds} s of random requests are answered as the model says, from seed ${seed} on`,
  async () => {
    process.stdout.write(`seed ${seed}: repeat with --seed ${seed}\n`);
    const end = Date.now() + settings.seconds * 1_000;
    for (let next = seed; next === seed || Date.now() < end; next++) {
      const program = generateProgram(next, size);
      const { run, findings } = await play(program);
      figures.count(run);
      if (findings.length > 0) await failWith(program, findings);
    }
  },
  settings.seconds * 1_000 + shrinkingMs + 240_000,
);

test(
  'a hold has no more than 1,000 captures and reversals',
  async () => {
    const program = generateFollowersProgram(seed);
    const { run, findings } = await play(program);
    figures.count(run);
    if (findings.length > 0) await failWith(program, findings);
  },
  300_000 + shrinkingMs,
);

test('access is administered as the model says', async () => {
  const run = await runAccessProgram(product.urls, generateAccessProgram(seed));
  figures.countAccess(run.calls);
  const found = checkAccessRun(run).map(({ what, call }) => `${what}\n    ${JSON.stringify(call)}`);
  if (found.length > 0) throw new Error(`seed ${seed} fails:\n${found.join('\n')}`);
}, 120_000);

async function failWith(program: Program, findings: readonly Finding[]): Promise<never> {
  const found = findings.map(told).join('\n');
  process.stdout.write(`seed ${program.seed} fails:\n${found}\nmaking it shorter …\n`);
  const fails = async (candidate: Program) => (await play(candidate)).findings.length > 0;
  const shortest = await shrink(program, fails, { deadline: Date.now() + shrinkingMs, triesEach: 2 });
  const file = writeFixture({ found: findings[0]!.what, program: shortest });
  throw new Error(`seed ${program.seed} fails, see ${file}:\n${found}`);
}

describe('what has failed before', () => {
  for (const { name, fixture } of readFixtures()) {
    test(name, async () => {
      expect((await play(fixture.program)).findings.map(told)).toEqual([]);
    });
  }

  test('is kept as programs that can be played', () => {
    for (const { fixture } of readFixtures()) expect(operationsOf(fixture.program).length).toBeGreaterThan(0);
  });
});
