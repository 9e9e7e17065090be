import { spawn } from 'node:child_process';
import pg from 'pg';
import { CannotStart, messageOf } from '../start/cannot-start.js';
import { findFreePort } from '../start/free-port.js';
import { SupervisedProcess } from '../start/supervised-process.js';
import type { Cluster } from './cluster.js';
import type { LogFile } from './log-file.js';
import { commandSurroundings } from './run-command.js';

export interface PostgresServer {
  readonly port: number;
  readonly superuserUrl: string;
  stop(hurry: AbortSignal): Promise<void>;
}

export interface ServerOptions {
  readonly superuserPassword: string;
  readonly log: LogFile;
  readonly signal: AbortSignal;
  /** A server that has ended this often before it was ready will not come up. */
  readonly exitsBeforeReadyMax?: number;
  /** Replaying a long log after a crash takes minutes on a slow disk. */
  readonly readySecondsMax?: number;
}

const READY_SECONDS_MAX = 600;
const EXITS_BEFORE_READY_MAX = 5;

/**
 * Runs the cluster's server as our own child on a free port of 127.0.0.1. Until it is ready each try takes a
 * new port, because another process may have taken the one just found; afterwards the port stays, for the apps
 * that know it. It has a process group of its own: Ctrl-C in a terminal reaches us first, and the apps stop
 * before their database does.
 */
export async function startServer(cluster: Cluster, options: ServerOptions): Promise<PostgresServer> {
  const { superuserPassword, log, signal } = options;
  const { exitsBeforeReadyMax = EXITS_BEFORE_READY_MAX, readySecondsMax = READY_SECONDS_MAX } = options;
  let port = 0;
  let isReady = false;
  const server = new SupervisedProcess({
    name: 'Postgres',
    start: async () => {
      if (!isReady) port = await findFreePort();
      const child = spawn(cluster.binaries.postgres, ['-D', cluster.directory, '-p', String(port)], {
        ...commandSurroundings(cluster.osUser),
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      child.stdout.on('data', log.append);
      child.stderr.on('data', log.append);
      return child;
    },
    stopSteps: [
      { signal: 'SIGINT', limitMs: 60_000 },
      { signal: 'SIGQUIT', limitMs: 10_000 },
      { signal: 'SIGKILL', limitMs: 5_000 },
    ],
  });
  const url = (): string => `postgres://postgres:${superuserPassword}@127.0.0.1:${port}/postgres`;
  server.start();
  try {
    await server.untilReady({
      check: () => whatIsMissing(url(), log),
      limitMs: readySecondsMax * 1000,
      exitsMax: exitsBeforeReadyMax,
      signal,
    });
  } catch (error) {
    await server.stop(AbortSignal.timeout(20_000));
    throw error;
  }
  isReady = true;
  return { port, superuserUrl: url(), stop: (hurry) => server.stop(hurry) };
}

async function whatIsMissing(url: string, log: LogFile): Promise<string | undefined> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return undefined;
  } catch (error) {
    if ((error as { code?: string }).code === '28P01') {
      throw new CannotStart(
        'Postgres refuses the password kept in the data directory (secrets/postgres-password).',
      );
    }
    return log.lastMessage('FATAL', 'PANIC') ?? messageOf(error);
  } finally {
    await client.end().catch(() => undefined);
  }
}
