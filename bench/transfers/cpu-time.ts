import { readdir, readFile } from 'node:fs/promises';

/** Linux gives times in hundredths of a second on every machine that Node runs on. */
const TICKS_PER_SECOND = 100;

export interface CpuSeconds {
  readonly ledger: number;
  readonly postgres: number;
  readonly generator: number;
}

interface ProcessTimes {
  readonly parent: number;
  /** Its own ticks, and those of children that have ended. */
  readonly ticks: number;
  readonly name: string;
}

/**
 * CPU time used so far by the product that was started as process `pid`, and by this process. Backends of
 * Postgres that have ended are in their parent's account. Undefined where there is no /proc.
 */
export async function cpuSeconds(pid: number | undefined): Promise<CpuSeconds | undefined> {
  if (pid === undefined || process.platform !== 'linux') return undefined;
  const processes = await readProcesses();
  const total = (isWanted: (name: string) => boolean): number => {
    let ticks = 0;
    for (const [id, { ticks: own, name }] of processes) {
      if (isWanted(name) && descendsFrom(processes, id, pid)) ticks += own;
    }
    return ticks / TICKS_PER_SECOND;
  };
  const { user, system } = process.cpuUsage();
  return {
    postgres: total((name) => name === 'postgres'),
    ledger: total((name) => name !== 'postgres'),
    generator: (user + system) / 1e6,
  };
}

export function difference(
  before: CpuSeconds | undefined,
  after: CpuSeconds | undefined,
): CpuSeconds | undefined {
  if (before === undefined || after === undefined) return undefined;
  return {
    ledger: after.ledger - before.ledger,
    postgres: after.postgres - before.postgres,
    generator: after.generator - before.generator,
  };
}

async function readProcesses(): Promise<Map<number, ProcessTimes>> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const stats = await Promise.all(
    ids.map(async (id) => [id, await readFile(`/proc/${id}/stat`, 'latin1').catch(() => '')] as const),
  );
  return new Map(stats.flatMap(([id, stat]) => (stat === '' ? [] : [[Number(id), parse(stat)]])));
}

/** The name stands in brackets and may hold anything, so the fields are counted from the last bracket on. */
function parse(stat: string): ProcessTimes {
  const nameEnd = stat.lastIndexOf(')');
  const fields = stat.slice(nameEnd + 2).split(' ');
  const field = (number: number): number => Number(fields[number - 3]);
  return {
    name: stat.slice(stat.indexOf('(') + 1, nameEnd),
    parent: field(4),
    ticks: field(14) + field(15) + field(16) + field(17),
  };
}

function descendsFrom(processes: ReadonlyMap<number, ProcessTimes>, id: number, ancestor: number): boolean {
  for (let current = processes.get(id); current !== undefined; current = processes.get(current.parent)) {
    if (current.parent === ancestor) return true;
  }
  return false;
}
