import { chmod, cp, mkdir, mkdtemp, open, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeManifest, type BaseManifest } from '../../tools/backup/manifest.js';
import { nextWalFile } from '../../tools/backup/wal-files.js';
import { Client } from '../support/client.js';
import { startWholeProduct, type WholeProduct } from '../support/product.js';
import { openAccounts } from '../support/posting-load.js';
import { runTool, runToolWell, spawnTool } from '../support/tools.js';
import { until } from '../support/until.js';

// Each of them starts programs.
import.meta.jest.setTimeout(180_000);

/*
 * What can't be backed up or restored is refused by a sentence that names it, and leaves nothing behind.
 */
let home: string;
let product: WholeProduct;
let backups: string;
let ledgerId: string;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'ledger-refusals-'));
  await chmod(home, 0o755);
  backups = join(home, 'backups');
  product = await startWholeProduct({ dataDirectory: join(home, 'data') });
  const client = new Client(product.url, product.apiKey);
  await openAccounts(client, 2);
  await backUp(backups);
  await openAccounts(client, 2);
  await backUp(backups);
  ledgerId = (await client.journal())[0]!.ledgerId;
  client.close();
}, 120_000);

afterAll(async () => {
  await product.stop();
  await rm(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
});

afterEach(() => rm(join(home, 'restored'), { recursive: true, force: true }));

const environment = () => ({ DATA_DIR: product.dataDirectory });
const backUp = (to: string, ...args: string[]) => runToolWell('backup', ['--to', to, ...args], environment());

async function foldersOf(directory: string): Promise<string[]> {
  return (await readdir(directory)).filter((name) => name.startsWith('base-')).sort();
}

/** A copy of the backups, changed. */
async function spoilt(change: (directory: string, newest: string) => Promise<void>): Promise<string> {
  const directory = join(home, 'spoilt');
  await rm(directory, { recursive: true, force: true });
  await cp(backups, directory, { recursive: true });
  await change(directory, join(directory, (await foldersOf(directory)).at(-1)!));
  return directory;
}

async function flipByte(path: string, at: number): Promise<void> {
  const file = await open(path, 'r+');
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, at);
  await file.write(Buffer.from([buffer[0]! ^ 1]), 0, 1, at);
  await file.close();
}

async function contentOf(folder: string): Promise<BaseManifest> {
  const text = await readFile(join(folder, 'manifest.json'), 'utf8');
  return (JSON.parse(text) as { content: BaseManifest }).content;
}

async function changeManifest(folder: string, changes: Partial<BaseManifest>): Promise<void> {
  const content = await contentOf(folder);
  await writeManifest(folder, { ...content, ...changes });
}

async function expectRefused(args: readonly string[], sentence: RegExp, env = {}): Promise<void> {
  const { code, output } = await runTool('restore', args, env);
  expect([code, output]).toEqual([1, expect.stringMatching(sentence)]);
  // No stack: it is meant for a person.
  expect(output).not.toMatch(/^\s+at /m);
  expect((await readdir(home)).filter((name) => name.startsWith('restored'))).toEqual([]);
}

const place = () => ['--data-dir', join(home, 'restored')];

describe('a broken backup', () => {
  const segmentOf = async (folder: string, n: number) => (await contentOf(folder)).wal.at(n)!.path;

  it.each<[string, RegExp, (directory: string, newest: string) => Promise<void>]>([
    [
      'a flipped byte in a table',
      /data\/global\/pg_control is damaged: its content is another one\./,
      (_, newest) => flipByte(join(newest, 'data/global/pg_control'), 100),
    ],
    [
      'a file that is cut',
      /data\/PG_VERSION is damaged: it has 0 bytes and had 3\./,
      (_, newest) => writeFile(join(newest, 'data/PG_VERSION'), ''),
    ],
    [
      'a missing file',
      /data\/backup_label is missing\./,
      (_, newest) => rm(join(newest, 'data/backup_label')),
    ],
    [
      'a changed secret',
      /secrets\/secrets-key is damaged/,
      (_, newest) => flipByte(join(newest, 'secrets/secrets-key'), 0),
    ],
    [
      'a flipped byte in its manifest',
      /manifest\.json is damaged: it is not as it was written\./,
      async (_, newest) => {
        const path = join(newest, 'manifest.json');
        await writeFile(path, (await readFile(path, 'utf8')).replace('"epoch": 1', '"epoch": 2'));
      },
    ],
    [
      'no manifest in any of its folders',
      /spoilt holds no backup\./,
      async (directory) => {
        for (const name of await foldersOf(directory)) await rm(join(directory, name, 'manifest.json'));
      },
    ],
    [
      'a file of the log missing that it needs',
      /wal\/[0-9A-F]{24}\.gz is missing\./,
      async (directory, newest) => rm(join(directory, 'wal', await segmentOf(newest, 0))),
    ],
    [
      'a flipped byte in the log that it needs',
      /wal\/[0-9A-F]{24}\.gz is damaged/,
      async (directory, newest) => flipByte(join(directory, 'wal', await segmentOf(newest, -1)), 40),
    ],
    [
      'a gap in the log behind it',
      /wal lacks ([0-9A-F]{24}), and goes on with [0-9A-F]{24}: .* --to-time\./,
      async (directory, newest) => {
        // With the newest gone, the older one needs the log in between as well.
        const between = await segmentOf(newest, 0);
        await rm(newest, { recursive: true });
        const wal = join(directory, 'wal');
        await rename(join(wal, between), join(wal, `${nextWalFile(between.slice(0, 24))}.gz`));
      },
    ],
    [
      'a damaged file in the log behind it',
      /wal\/[0-9A-F]{24}\.gz is damaged/,
      async (directory, newest) => {
        const between = await segmentOf(newest, 0);
        await rm(newest, { recursive: true });
        await flipByte(join(directory, 'wal', between), 40);
      },
    ],
    [
      'the files of another release of Postgres',
      /The backup is of Postgres 17\.2, and here is Postgres 18/,
      (_, newest) => changeManifest(newest, { serverVersion: '17.2', serverMajor: 17 }),
    ],
    [
      'tables of a newer release',
      /is of a newer release \(Later1999999999999\): use that one\./,
      async (_, newest) => {
        const { migrations } = await contentOf(newest);
        await changeManifest(newest, { migrations: [...migrations, 'Later1999999999999'] });
      },
    ],
    [
      'a manifest of a format to come',
      /manifest\.json is of format 2, and this release knows 1\./,
      (_, newest) => changeManifest(newest, { format: 2 as 1 }),
    ],
    [
      'another journal than its manifest says',
      /ldg_\w+ has another event at \d+ than when the backup was taken\./,
      async (_, newest) => {
        const { ledgers } = await contentOf(newest);
        await changeManifest(newest, {
          ledgers: ledgers.map((each) => ({ ...each, hash: '00'.repeat(32) })),
        });
      },
    ],
  ])(
    'with %s is refused',
    async (_, sentence, change) => {
      const directory = await spoilt(change);
      await expectRefused(['--from', directory, ...place()], sentence);
    },
    90_000,
  );
});

describe('a target is refused', () => {
  it('that is not empty', async () => {
    const full = join(home, 'full');
    await mkdir(full);
    await writeFile(join(full, 'a-file'), 'kept');
    await expectRefused(['--from', backups, '--data-dir', full], /full is not empty: name a new directory/);
    expect(await readdir(full)).toEqual(['a-file']);
  });

  it('on which a ledger runs', async () => {
    const args = ['--from', backups, '--data-dir', product.dataDirectory];
    await expectRefused(args, /The ledger is already running on .*data \(process \d+\)/);
    await expectRefused(['--finish'], /The product runs on .*data: stop it first\./, environment());
  });

  it('that is before the first backup', async () => {
    const args = ['--from', backups, ...place()];
    await expectRefused(
      [...args, '--to-time', '2026-01-01T00:00:00Z'],
      /No backup is from before the target/,
    );
    await expectRefused([...args, '--to-position', `${ledgerId}:1`], /No backup is from before the target/);
  });

  it('that is behind the end of the log', async () => {
    const args = ['--from', backups, ...place()];
    const sentence =
      /can't be brought to where it was to go: recovery ended before configured recovery target/;
    await expectRefused([...args, '--to-time', '2099-01-01T00:00:00+01:00'], sentence);
    await expectRefused([...args, '--to-position', `${ledgerId}:999`], /The backup has no event 999 of ldg_/);
  }, 120_000);

  it.each([
    [['--to-time', '2026-11-28 20:43'], /--to-time .* its zone included\./],
    [['--to-position', 'ldg_x:1'], /--to-position ldg_x:1 must be a ledger and a position/],
    [['--to-time', '2026-11-28T20:43:00Z', '--to-position', 'ldg_x:1'], /are two ends: name one\./],
    [['--to-tomorrow'], /Unknown option '--to-tomorrow'/],
  ])('that can’t be meant: %j', async (args, sentence) => {
    await expectRefused(['--from', backups, ...place(), ...args], sentence);
  });

  it('without a name, and for a dump', async () => {
    await expectRefused(['--from', backups], /--data-dir must name a new directory/);
    await expectRefused(['--from', join(home, 'nowhere'), ...place()], /nowhere can't be read \(ENOENT\)/);
    await expectRefused([], /^Usage: npm run restore/);
    const env = { DATABASE_URL: 'postgres://a:b@127.0.0.1:1/c' };
    await expectRefused(['--from', backups, ...place()], /is a base backup of the embedded Postgres/, env);
    await expectRefused(['--finish', '--from', backups], /--finish restores nothing\./);
  });
});

describe('a backup is refused', () => {
  const refused = async (
    args: readonly string[],
    sentence: RegExp,
    env: Record<string, string> = environment(),
  ) => {
    const { code, output } = await runTool('backup', args, env);
    expect([code, output]).toEqual([1, expect.stringMatching(sentence)]);
  };

  it('into the data directory, without a place, and of nothing', async () => {
    await refused(
      ['--to', join(product.dataDirectory, 'backups')],
      /is in the data directory, and would be lost/,
    );
    await refused([], /Usage: npm run backup/);
    await refused(['--to', join(home, 'none')], /has no ledger/, { DATA_DIR: join(home, 'none-here') });
  });

  it('into a directory that holds another cluster’s', async () => {
    const other = join(home, 'of-another');
    await mkdir(other);
    await writeFile(join(other, 'line.json'), '{"systemIdentifier":"1","timeline":1}');
    await refused(['--to', other], /holds backups of another cluster: name an empty directory\./);
  });

  it('where Postgres can’t archive, which then goes on as before', async () => {
    const blocked = join(home, 'blocked');
    await mkdir(join(blocked, 'wal'), { recursive: true });
    // Every name that could come next is taken.
    const taken = (await readdir(join(backups, 'wal')))
      .filter((name) => /^[0-9A-F]{24}\.gz$/.test(name))
      .sort();
    const [, last = ''] = /^[0-9A-F]{16}([0-9A-F]{8})/.exec(taken.at(-1) ?? '') ?? [];
    for (let n = 0; n < 20; n++) {
      const number = (Number.parseInt(last, 16) + n).toString(16).toUpperCase().padStart(8, '0');
      await writeFile(join(blocked, 'wal', `${'00000001'.padEnd(16, '0')}${number}.gz`), 'of another');
    }
    await refused(
      ['--to', blocked],
      /Postgres can't archive its log in .*blocked\/wal: its messages are in postgres\.log\./,
    );
    const settings = await readFile(join(product.dataDirectory, 'postgres/ledger.conf'), 'utf8');
    expect(settings).toContain(join(backups, 'wal'));
    await backUp(backups);
  }, 90_000);
});

it('a backup without secrets needs them from elsewhere', async () => {
  const bare = join(home, 'bare');
  expect(await backUp(bare, '--without-secrets')).toContain('It has no secrets');
  const [folder = ''] = await foldersOf(bare);
  expect(await readdir(join(bare, folder))).not.toContain('secrets');
  await expectRefused(
    ['--from', bare, ...place()],
    /taken without secrets: name the directory that has them by --secrets/,
  );
  const secrets = ['--secrets', join(product.dataDirectory, 'secrets')];
  const output = await runToolWell('restore', ['--from', bare, ...place(), ...secrets]);
  expect(output).toMatch(/as the journal says/);
  expect(await readFile(join(home, 'restored/secrets/secrets-key'), 'utf8')).toBe(
    await readFile(join(product.dataDirectory, 'secrets/secrets-key'), 'utf8'),
  );
  // The product archives in the usual place again.
  await backUp(backups);
}, 120_000);

it('a backup that is killed is none, and the next one clears it away', async () => {
  const killed = join(home, 'killed');
  const running = spawnTool('backup', ['--to', killed], environment());
  await until('it copies', async () => {
    const [unfinished] = (await readdir(killed).catch(() => [])).filter((name) =>
      name.startsWith('unfinished-'),
    );
    return unfinished !== undefined && (await readdir(join(killed, unfinished))).length > 0;
  });
  await running.kill('SIGKILL');
  await expectRefused(
    ['--from', killed, ...place()],
    /holds no backup but what an interrupted one has left \(unfinished-\d+\)/,
  );
  await backUp(killed);
  expect((await readdir(killed)).filter((name) => name.startsWith('unfinished-'))).toEqual([]);
  await backUp(backups);
}, 90_000);

it('a restore that is killed leaves nothing in its place, and the next one clears it away', async () => {
  const running = spawnTool('restore', ['--from', backups, ...place()]);
  await until('it replays the log', async () => {
    const [workshop] = (await readdir(home)).filter((name) => name.startsWith('restored.restoring-'));
    const files =
      workshop === undefined ? [] : await readdir(join(home, workshop, 'postgres')).catch(() => []);
    return files.includes('postmaster.pid');
  });
  await running.kill('SIGKILL');
  expect(await readdir(home)).not.toContain('restored');
  await runToolWell('restore', ['--from', backups, ...place()]);
  expect((await readdir(home)).filter((name) => name.startsWith('restored'))).toEqual(['restored']);
}, 120_000);
