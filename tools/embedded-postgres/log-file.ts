import { appendFileSync, renameSync, statSync } from 'node:fs';

const SIZE_BYTES_MAX = 8 * 1024 * 1024;
const TAIL_CHARACTERS_MAX = 4_000;

/** A server's messages: at most two files of 8 MiB, and the last lines at hand for an error message. */
export class LogFile {
  private sizeBytes: number;
  private tail = '';

  constructor(readonly path: string) {
    this.sizeBytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  }

  readonly append = (chunk: Buffer): void => {
    this.tail = (this.tail + chunk.toString('utf8')).slice(-TAIL_CHARACTERS_MAX);
    if (this.sizeBytes + chunk.length > SIZE_BYTES_MAX && this.sizeBytes > 0) {
      renameSync(this.path, `${this.path}.1`);
      this.sizeBytes = 0;
    }
    appendFileSync(this.path, chunk, { mode: 0o600 });
    this.sizeBytes += chunk.length;
  };

  /** The last message of the given kinds, without its time. */
  lastMessage(...levels: string[]): string | undefined {
    const lines = this.tail.split('\n').filter((line) => levels.some((level) => line.includes(`${level}:`)));
    return lines
      .at(-1)
      ?.replace(/^.*?\] (?=[A-Z]+:)/, '')
      .trim();
  }
}
