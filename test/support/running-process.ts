import type { ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

const OUTPUT_CHARACTERS_MAX = 4_000_000;

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A child of a test: what it has printed, and its end. */
export class RunningProcess {
  readonly exited: Promise<Exit>;
  private text = '';
  private hasExited = false;

  constructor(private readonly child: ChildProcess) {
    const collect = (chunk: Buffer): void => {
      this.text = (this.text + chunk.toString('utf8')).slice(-OUTPUT_CHARACTERS_MAX);
    };
    child.stdout?.on('data', collect);
    child.stderr?.on('data', collect);
    this.exited = new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('exit', (code, signal) => {
        this.hasExited = true;
        resolve({ code, signal });
      });
    });
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error('The process has not been started.');
    return this.child.pid;
  }

  /** Both streams together. */
  output(): string {
    return this.text;
  }

  /** Waits for the end where the signal can't be ignored; SIGSTOP and the like return at once. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.child.kill(signal);
    if (signal === 'SIGKILL') await this.exited;
  }

  /** Asks it to end, and kills it when it has not done so in time. */
  async stop(limitMs = 20_000): Promise<Exit> {
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), limitMs);
    const exit = await this.exited;
    clearTimeout(timer);
    return exit;
  }

  async until(what: string, isSo: () => boolean | Promise<boolean>, limitMs = 30_000): Promise<void> {
    for (const deadline = Date.now() + limitMs; Date.now() < deadline; await sleep(25)) {
      if (await isSo()) return;
      if (this.hasExited) break;
    }
    const state = this.hasExited ? 'the process has ended' : `${limitMs} ms have passed`;
    throw new Error(`Waited for ${what}, but ${state}. It printed:\n${this.text.slice(-5_000)}`);
  }
}

export async function isReady(url: string): Promise<boolean> {
  const limit = { signal: AbortSignal.timeout(2_000) };
  return await fetch(`${url}/health/ready`, limit).then(
    async (answer) => {
      await answer.arrayBuffer();
      return answer.ok;
    },
    () => false,
  );
}

/** Children of a process, by their command: `main.js` or `postgres`; one that ends meanwhile is left out. Linux only. */
export async function childrenOf(pid: number): Promise<{ pid: number; command: string }[]> {
  const pids = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8'))
    .trim()
    .split(' ')
    .filter(Boolean);
  const children = await Promise.all(
    pids.map(async (child) => {
      const line = await readFile(`/proc/${child}/cmdline`, 'utf8').catch(() => '');
      return { pid: Number(child), command: line.replaceAll('\0', ' ').trim() };
    }),
  );
  return children.filter(({ command }) => command !== '');
}

/** Whether a process of this number runs; one that has ended and only waits for its parent does not. */
export async function isRunning(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return stat !== undefined && stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) !== 'Z';
}
