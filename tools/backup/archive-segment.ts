import {
  linkSync,
  openSync,
  closeSync,
  fsyncSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';

/**
 * What Postgres runs as its archive_command: `archive-segment <file> <archive>/<name>`. It may say yes only when the
 * file is on disk under its name, whole: Postgres then forgets it. A name that is taken is never written over; by the
 * same content it is taken when Postgres was killed before it had noted our yes.
 *
 * A file that was switched early is mostly zeros: compressed by a thousand. The fastest level is enough.
 */
function archive(source: string, target: string): void {
  const path = `${target}.gz`;
  const content = readFileSync(source);
  const [directory, name] = [dirname(path), basename(path)];
  for (const left of readdirSync(directory)) {
    if (left.startsWith(`.${name}.`)) rmSync(join(directory, left), { force: true });
  }
  const temporary = join(directory, `.${name}.${process.pid}`);
  const file = openSync(temporary, 'wx', 0o600);
  try {
    const compressed = gzipSync(content, { level: 1 });
    for (let written = 0; written < compressed.length;) {
      written += writeSync(file, compressed, written);
    }
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  try {
    linkSync(temporary, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    if (!gunzipSync(readFileSync(path)).equals(content)) {
      throw new Error(`${path} is there with another content and is not written over`, { cause: error });
    }
  } finally {
    rmSync(temporary, { force: true });
  }
  const parent = openSync(directory, 'r');
  try {
    fsyncSync(parent);
  } finally {
    closeSync(parent);
  }
}

const [source, target] = process.argv.slice(2);
try {
  if (source === undefined || target === undefined) throw new Error('archive-segment <file> <target>');
  archive(source, target);
} catch (error) {
  console.error(`archiving failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
