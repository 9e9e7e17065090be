import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until something holds, by asking again and again. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  secondsMax = 45,
): Promise<void> {
  const deadline = performance.now() + secondsMax * 1_000;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`not within ${secondsMax} s: ${what}`);
    await sleep(20);
  }
}
