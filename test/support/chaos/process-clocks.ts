import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isContinuousIntegration } from '../config.js';

/** Where Debian and others put it: the build for programs with threads. */
const libraryName = 'faketime/libfaketimeMT.so.1';

/** Null where it isn't installed. */
export function findFakeTime(): string | null {
  const directories = ['/usr/lib', '/usr/lib64', '/usr/local/lib'];
  const found = directories
    .filter((directory) => existsSync(directory))
    .flatMap((directory) => [directory, ...readdirSync(directory).map((name) => join(directory, name))])
    .map((directory) => join(directory, libraryName));
  return found.find((path) => existsSync(path)) ?? null;
}

/**
 * The wall clocks of processes, which can be wrong from their start and jump while they run; the monotonic clock,
 * which no setting of the time moves, stays as it is. Without libfaketime all are right, which is said aloud and is
 * a failure where the build is judged.
 */
export class ProcessClocks {
  private readonly library = findFakeTime();

  constructor(private readonly directory: string) {
    if (this.library !== null) return;
    const sentence = `${libraryName} is not installed (libfaketime): NO CLOCK IS MOVED`;
    if (isContinuousIntegration()) throw new Error(sentence);
    process.stdout.write(`${sentence}\n`);
  }

  get canMove(): boolean {
    return this.library !== null;
  }

  /** From now on the process with this name, or the next to be started, is so far from the true time. */
  set(name: string, offsetSeconds: number): void {
    writeFileSync(this.fileOf(name), `${offsetSeconds < 0 ? '-' : '+'}${Math.abs(offsetSeconds)}\n`);
  }

  /** What a process is started with. */
  environmentOf(name: string): Record<string, string> {
    if (this.library === null) return {};
    if (!existsSync(this.fileOf(name))) this.set(name, 0);
    return {
      LD_PRELOAD: this.library,
      FAKETIME_TIMESTAMP_FILE: this.fileOf(name),
      FAKETIME_CACHE_DURATION: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      NO_FAKE_STAT: '1',
    };
  }

  private fileOf(name: string): string {
    return join(this.directory, `${name}.clock`);
  }
}
