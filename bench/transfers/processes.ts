import { readdir, readFile } from 'node:fs/promises';

/** Linux gives times in hundredths of a second on every machine that Node runs on. */
const TICKS_PER_SECOND = 100;

export interface RunningProcess {
  readonly pid: number;
  /** `postgres`, `node` … */
  readonly name: string;
  /** Program and arguments. */
  readonly command: string;
  /** Its own, and those of children that have ended. */
  readonly cpuSeconds: number;
}

interface Stat {
  readonly parent: number;
  readonly ticks: number;
  readonly name: string;
}

/** All processes under `ancestor`. None where there is no /proc. */
export async function descendantsOf(ancestor: number): Promise<RunningProcess[]> {
  const stats = await readStats();
  const pids = [...stats.keys()].filter((pid) => descendsFrom(stats, pid, ancestor));
  return await Promise.all(
    pids.map(async (pid) => {
      const { name, ticks } = stats.get(pid) ?? { name: '', ticks: 0 };
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      return { pid, name, command: command.replaceAll('\0', ' '), cpuSeconds: ticks / TICKS_PER_SECOND };
    }),
  );
}

/** The app of this repository that runs under `ancestor`; undefined while it doesn't. */
export async function appPid(ancestor: number, app: string): Promise<number | undefined> {
  return (await descendantsOf(ancestor)).find((each) => runsApp(each, app))?.pid;
}

export function runsApp({ command }: RunningProcess, app: string): boolean {
  return command.includes(`/apps/${app}/`);
}

async function readStats(): Promise<Map<number, Stat>> {
  const names = await readdir('/proc').catch(() => [] as string[]);
  const ids = names.filter((name) => /^\d+$/.test(name));
  const stats = await Promise.all(
    ids.map(async (id) => [id, await readFile(`/proc/${id}/stat`, 'latin1').catch(() => '')] as const),
  );
  return new Map(stats.flatMap(([id, stat]) => (stat === '' ? [] : [[Number(id), parse(stat)]])));
}

/** The name stands in brackets and may hold anything, so the fields are counted from the last bracket on. */
function parse(stat: string): Stat {
  const nameEnd = stat.lastIndexOf(')');
  const fields = stat.slice(nameEnd + 2).split(' ');
  const field = (number: number): number => Number(fields[number - 3]);
  return {
    name: stat.slice(stat.indexOf('(') + 1, nameEnd),
    parent: field(4),
    ticks: field(14) + field(15) + field(16) + field(17),
  };
}

function descendsFrom(stats: ReadonlyMap<number, Stat>, pid: number, ancestor: number): boolean {
  for (let current = stats.get(pid); current !== undefined; current = stats.get(current.parent)) {
    if (current.parent === ancestor) return true;
  }
  return false;
}
