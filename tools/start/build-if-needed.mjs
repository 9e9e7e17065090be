// The build is known by a digest of its sources, kept in dist/.built: file times say too little after an
// unpacked archive, a deleted file or a change of branch. One process builds, others wait for it.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const dist = join(root, 'dist');
const stamp = join(dist, '.built');
const lock = join(dist, '.building');
const WAIT_SECONDS_MAX = 180;

export function distUrl(module) {
  return pathToFileURL(join(dist, `${module}.js`)).href;
}

export async function buildIfNeeded() {
  const sources = digestOfSources();
  if (isBuilt(sources)) return;
  console.error('Building …');
  await buildUnlessDone(() => isBuilt(sources));
}

export function build() {
  return buildUnlessDone(() => false);
}

async function buildUnlessDone(isDone) {
  if (!existsSync(join(root, 'node_modules', 'typescript'))) {
    stop('The product is not built and its compiler is not installed: run `npm ci` first.');
  }
  mkdirSync(dist, { recursive: true });
  if (!(await takeLock(isDone))) return;
  try {
    // Read before the compiler reads them: a change meanwhile makes the next start build again.
    const sources = digestOfSources();
    await compile();
    writeFileSync(stamp, sources);
  } finally {
    rmSync(lock, { force: true });
  }
}

function isBuilt(sources) {
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === sources;
}

/** Tests are left out: a change in them doesn't change what is started. */
function digestOfSources() {
  const hash = createHash('sha256');
  const files = ['package.json', 'tsconfig.json'];
  for (const folder of ['apps', 'libs', 'migrations', 'tools', 'bench']) files.push(...sourcesIn(folder));
  for (const file of files.sort()) {
    hash
      .update(file)
      .update('\0')
      .update(readFileSync(join(root, file)))
      .update('\0');
  }
  return hash.digest('hex');
}

function sourcesIn(folder) {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.spec.ts'))
    .map((name) => join(folder, name));
}

/** False when another process has done it meanwhile. */
async function takeLock(isDone) {
  for (const deadline = Date.now() + WAIT_SECONDS_MAX * 1000; Date.now() < deadline; await sleep(200)) {
    if (isDone()) return false;
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      return true;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      if (isAbandoned()) rmSync(lock, { force: true });
    }
  }
  stop(`Another build has been running for ${WAIT_SECONDS_MAX} s; if none is, remove ${lock}.`);
}

function isAbandoned() {
  try {
    const pid = Number(readFileSync(lock, 'utf8'));
    // Just created: its owner has not written its pid yet.
    if (pid === 0) return Date.now() - statSync(lock).mtimeMs > 5_000;
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}

async function compile() {
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  // The compiler keeps what it knows in dist/.tsbuildinfo; without the rest of dist it would write nothing.
  if (!existsSync(join(dist, 'tools'))) rmSync(join(dist, '.tsbuildinfo'), { force: true });
  const child = spawn(process.execPath, [tsc, '-p', join(root, 'tsconfig.json')], { stdio: 'inherit' });
  const code = await new Promise((resolve, reject) => child.on('error', reject).on('exit', resolve));
  if (code !== 0) {
    rmSync(lock, { force: true });
    stop('The build failed; its messages are above.');
  }
}

function stop(sentence) {
  console.error(sentence);
  process.exit(1);
}
