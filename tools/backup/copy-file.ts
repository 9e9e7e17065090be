import { createHash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';

export interface Digest {
  readonly bytes: number;
  readonly sha256: string;
}

const chunkBytes = 1_048_576;

/** Copies what a file holds now, and has it on disk; undefined where the file has gone meanwhile. */
export async function copyFile(
  source: string,
  target: string,
  { isSynced = true }: { readonly isSynced?: boolean } = {},
): Promise<Digest | undefined> {
  const from = await open(source, 'r').catch(absent);
  if (from === undefined) return undefined;
  try {
    const to = await open(target, 'wx', 0o600);
    try {
      const digest = await readThrough(from, async (chunk) => void (await writeAll(to, chunk)));
      if (isSynced) await to.sync();
      return digest;
    } finally {
      await to.close();
    }
  } finally {
    await from.close();
  }
}

/** Undefined where there is no such file. */
export async function digestOf(path: string): Promise<Digest | undefined> {
  const file = await open(path, 'r').catch(absent);
  if (file === undefined) return undefined;
  try {
    return await readThrough(file, () => Promise.resolve());
  } finally {
    await file.close();
  }
}

/** Does the work for each item, a few at a time. */
export async function forEach<Item>(items: readonly Item[], work: (item: Item) => Promise<void>, atOnce = 4) {
  const left = items.values();
  const runs = Array.from({ length: atOnce }, async () => {
    for (const item of left) await work(item);
  });
  await Promise.all(runs);
}

async function readThrough(file: FileHandle, take: (chunk: Buffer) => Promise<void>): Promise<Digest> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(chunkBytes);
  let bytes = 0;
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, bytes);
    if (bytesRead === 0) return { bytes, sha256: hash.digest('hex') };
    const chunk = buffer.subarray(0, bytesRead);
    hash.update(chunk);
    await take(chunk);
    bytes += bytesRead;
  }
}

async function writeAll(file: FileHandle, chunk: Buffer): Promise<void> {
  for (let written = 0; written < chunk.length;) {
    written += (await file.write(chunk, written)).bytesWritten;
  }
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
  return undefined;
}
