import { randomBytes } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeDurably } from '../embedded-postgres/durable-file.js';

/**
 * Secrets of this installation, one file each in `<data directory>/secrets`, readable by their owner only.
 * A secret is made once, when it is first asked for, and is on disk before anybody uses it.
 */
export class Secrets {
  constructor(readonly directory: string) {}

  pathOf(name: string): string {
    return join(this.directory, name);
  }

  async kept(name: string, make: () => string): Promise<string> {
    const path = this.pathOf(name);
    try {
      return (await readFile(path, 'utf8')).trim();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    const secret = make();
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
    await writeDurably(path, `${secret}\n`);
    return secret;
  }

  password(name: string): Promise<string> {
    return this.kept(name, () => randomBytes(24).toString('base64url'));
  }
}

export function newApiKey(): string {
  return `sk_live_${base62(randomBytes(32))}`;
}

export function newSecretsKey(): string {
  return randomBytes(32).toString('base64');
}

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** 32 bytes are 43 digits. */
function base62(bytes: Buffer): string {
  let rest = BigInt(`0x${bytes.toString('hex')}`);
  let digits = '';
  for (let count = 0; count < 43; count++) {
    digits = BASE62.charAt(Number(rest % 62n)) + digits;
    rest /= 62n;
  }
  return digits;
}
