import { readFileSync, writeFileSync } from 'node:fs';

/** The most that a process has had resident since it was last asked, as the kernel has counted it. Linux only. */
export function takePeakMegabytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kilobytes = Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]);
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
  return Math.ceil(kilobytes / 1_024);
}
