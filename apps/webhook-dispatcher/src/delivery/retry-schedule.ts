/** How long after each attempt the next one is made; the last of them ends the series, after about 75 hours. */
const waitSeconds = [5, 30, 120, 600, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400] as const;
const jitter = 0.2;

export const attemptsMax = waitSeconds.length + 1;

/**
 * How long after its attempt number `attempts` (from 1) a delivery is tried again; null after the last. Spread by
 * a fifth either way (`random` gives 0 to 1), so that what failed together doesn't come back together.
 */
export function retryWaitMs(attempts: number, random: () => number): number | null {
  const seconds = waitSeconds[attempts - 1];
  if (seconds === undefined) return null;
  return Math.round(seconds * 1_000 * (1 - jitter + 2 * jitter * random()));
}
