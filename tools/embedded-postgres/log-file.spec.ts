import { mkdtempSync, readFileSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LogFile } from './log-file.js';

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'log-file-'))));
afterEach(() => rmSync(directory, { recursive: true }));

it('goes on when the disk is full, and tells afterwards how much is missing', () => {
  const path = join(directory, 'postgres.log');
  symlinkSync('/dev/full', path);
  const log = new LogFile(path);
  log.append(Buffer.from('2026-01-01 [1] PANIC: no space left\n'));
  expect(log.lastMessage('PANIC')).toBe('PANIC: no space left');
  unlinkSync(path);
  log.append(Buffer.from('ready\n'));
  log.append(Buffer.from('more\n'));
  expect(readFileSync(path, 'utf8')).toBe('\n(36 bytes of this log could not be written)\nready\nmore\n');
});
