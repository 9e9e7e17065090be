import { appendFileSync, renameSync, statSync } from 'node:fs';

const SIZE_BYTES_MAX = 8 * 1024 * 1024;
const TAIL_CHARACTERS_MAX = 4_000;

/**
 * A server's messages: at most two files of 8 MiB, and the last lines at hand for an error message. What can't be
 * written, because the disk is full, is left out and counted: nothing ends for want of a log.
 */
export class LogFile {
  private sizeBytes: number;
  private tail = '';
  private lostBytes = 0;

  constructor(readonly path: string) {
    this.sizeBytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  }

  readonly append = (chunk: Buffer): void => {
    this.tail = (this.tail + chunk.toString('utf8')).slice(-TAIL_CHARACTERS_MAX);
    try {
      this.write(chunk);
    } catch {
      this.lostBytes += chunk.length;
    }
  };

  private write(chunk: Buffer): void {
    if (this.sizeBytes + chunk.length > SIZE_BYTES_MAX && this.sizeBytes > 0) {
      renameSync(this.path, `${this.path}.1`);
      this.sizeBytes = 0;
    }
    const lost = this.lostBytes > 0 ? `\n(${this.lostBytes} bytes of this log could not be written)\n` : '';
    appendFileSync(this.path, `${lost}${chunk.toString('utf8')}`, { mode: 0o600 });
    this.lostBytes = 0;
    this.sizeBytes += lost.length + chunk.length;
  }

  /** The last message of the given kinds, without its time. */
  lastMessage(...levels: string[]): string | undefined {
    const lines = this.tail.split('\n').filter((line) => levels.some((level) => line.includes(`${level}:`)));
    return lines
      .at(-1)
      ?.replace(/^.*?\] (?=[A-Z]+:)/, '')
      .trim();
  }
}
