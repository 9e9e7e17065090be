import { realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CannotStart } from '../start/cannot-start.js';
import { runCommand, type OsUser } from './run-command.js';

/** Postgres refuses to run as root, so root lends it the user `postgres`; anybody else runs it as themselves. */
export async function postgresOsUser(): Promise<OsUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  return (await findPostgresUser()) ?? (await createPostgresUser());
}

async function findPostgresUser(): Promise<OsUser | undefined> {
  const uid = await runCommand('id', ['-u', 'postgres']);
  const gid = await runCommand('id', ['-g', 'postgres']);
  if (uid.code !== 0 || gid.code !== 0) return undefined;
  return { uid: Number(uid.output), gid: Number(gid.output) };
}

async function createPostgresUser(): Promise<OsUser> {
  try {
    await runCommand('groupadd', ['postgres']);
    await runCommand('useradd', ['-g', 'postgres', 'postgres']);
  } catch {
    // Systems without these commands end at the sentence below.
  }
  const user = await findPostgresUser();
  if (user !== undefined) return user;
  throw new CannotStart(
    "Postgres can't run as root and the user `postgres` could not be made: " +
      'make it (adduser postgres), run npm start as another user, or set DATABASE_URL.',
  );
}

/** Names the first directory on the way that the user can't enter, or the file that it can't execute. */
export async function refuseUnreachable(
  user: OsUser | undefined,
  paths: { directories: readonly string[]; executables: readonly string[] },
): Promise<void> {
  if (user === undefined) return;
  const targets = [...paths.directories, ...paths.executables];
  const onTheWay = new Set<string>();
  for (const target of targets) {
    for (const directory of ancestors(await realpath(target))) onTheWay.add(directory);
  }
  for (const directory of paths.directories) onTheWay.add(await realpath(directory));
  for (const executable of paths.executables) onTheWay.add(await realpath(executable));
  // Asked as that user, because mode bits don't tell what access lists and mounts say.
  const script = 'for path in "$@"; do [ -x "$path" ] || { printf %s "$path"; exit 1; }; done';
  const { code, output } = await runCommand('/bin/sh', ['-c', script, 'sh', ...onTheWay], { user });
  if (code === 0) return;
  throw new CannotStart(
    `${output} can't be entered by the user \`postgres\`, as whom Postgres runs under root: ` +
      `allow it (chmod o+x), or use a directory elsewhere (DATA_DIR, or the project itself).`,
  );
}

function ancestors(path: string): string[] {
  const found: string[] = [];
  for (let at = dirname(path); !found.includes(at); at = dirname(at)) found.unshift(at);
  return found;
}
