import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runCommand } from '../embedded-postgres/run-command.js';
import { CannotStart } from '../start/cannot-start.js';
import { javaEnvironment, projectDirectory } from './config.js';

const KAFKA_VERSION = '4.1.0';
const JAVA_VERSION_MIN = 17;
const COPY_DEPENDENCIES = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies';
const DOWNLOAD_MINUTES_MAX = 10;

/** Null when a broker can be started here, else what has to be installed. */
export async function whatKafkaLacks(): Promise<string | null> {
  const java = await run('java', ['-version'], 60_000);
  const version = /version "(?:1\.)?(\d+)/.exec(java?.output ?? '')?.[1];
  if (version === undefined) return `Java ${JAVA_VERSION_MIN} is not installed (openjdk-17-jre-headless)`;
  if (Number(version) < JAVA_VERSION_MIN) {
    return `Java ${JAVA_VERSION_MIN} or later is needed, and this is Java ${version}`;
  }
  if (await exists(jarDirectory)) return null;
  const maven = await run('mvn', ['-version'], 60_000);
  return maven?.code === 0 ? null : 'Maven, which downloads Kafka, is not installed (maven)';
}

const jarDirectory = join(projectDirectory, 'node_modules/.cache', `kafka-${KAFKA_VERSION}`);

/**
 * The directory with Kafka's jars, downloaded by Maven the first time (43 MB). They are copied under another
 * name and then renamed, so a directory that has its name is whole; downloads of one machine wait for each
 * other, because Maven's own store can't be written by two.
 */
export async function kafkaJars(): Promise<string> {
  if (await exists(jarDirectory)) return jarDirectory;
  const lacking = await whatKafkaLacks();
  if (lacking !== null) throw new CannotStart(`Kafka can't be started: ${lacking}.`);
  await mkdir(join(jarDirectory, '..'), { recursive: true });
  const release = await lockDownloads();
  try {
    if (!(await exists(jarDirectory))) await download();
  } finally {
    await release();
  }
  return jarDirectory;
}

async function download(): Promise<void> {
  const temporary = `${jarDirectory}.${randomUUID()}`;
  try {
    const maven = await run(
      'mvn',
      [
        '-B',
        '-q',
        '-f',
        join(projectDirectory, 'tools/kafka/pom.xml'),
        COPY_DEPENDENCIES,
        '-DincludeScope=runtime',
        `-DoutputDirectory=${temporary}`,
      ],
      DOWNLOAD_MINUTES_MAX * 60_000,
    );
    if (maven?.code !== 0) {
      const end = maven?.output.trim().split('\n').slice(0, 3).join(' ') ?? '';
      throw new CannotStart(`Maven could not download Kafka ${KAFKA_VERSION}: ${end}`);
    }
    await rename(temporary, jarDirectory);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** A file that names its holder; that of a process which is gone is taken away. */
async function lockDownloads(): Promise<() => Promise<void>> {
  const path = join(tmpdir(), 'ledger-kafka-download.pid');
  const deadline = Date.now() + DOWNLOAD_MINUTES_MAX * 60_000;
  while (Date.now() < deadline) {
    try {
      const file = await open(path, 'wx');
      await file.writeFile(String(process.pid));
      await file.close();
      return () => rm(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = Number(await readFile(path, 'utf8').catch(() => ''));
    const { mtimeMs = Date.now() } = (await stat(path).catch(() => undefined)) ?? {};
    // A holder that has only just made the file may not have written its number yet.
    if (!isRunning(holder) && Date.now() - mtimeMs > 2_000) await rm(path, { force: true });
    await sleep(200);
  }
  throw new CannotStart(`Another download of Kafka has not ended: remove ${path}.`);
}

function isRunning(pid: number): boolean {
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

/** Runs a program of Java's to its end; undefined where there is no such program. */
export async function run(command: string, args: readonly string[], timeoutMs: number) {
  try {
    return await runCommand(command, args, { env: javaEnvironment(), timeoutMs });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
