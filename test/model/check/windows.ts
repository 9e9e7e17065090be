/** Between which positions a request was judged: after what was surely recorded before it began, before what began after it. */
import { bodyOf, isAccepted, isDryRun, type LoggedCall } from './call-log.js';
import type { Claims } from './claims.js';

export interface Window {
  readonly from: number;
  readonly to: number;
}

export function windowsOf(
  calls: readonly LoggedCall[],
  claims: Claims,
  head: number,
): Map<LoggedCall, Window> {
  const recordedBefore = lowerBounds(calls, claims);
  const notYetBegun = upperBounds(calls, claims, head);
  return new Map(
    calls.map((call) => {
      // Whoever asks for an eventual answer may get an old one.
      const from = call.query['consistency'] === 'eventual' ? 0 : recordedBefore(call.startedAt);
      return [call, { from, to: notYetBegun(call.endedAt) }];
    }),
  );
}

function lowerBounds(calls: readonly LoggedCall[], claims: Claims): (startedAt: number) => number {
  const byEnd = [...calls].sort((a, b) => a.endedAt - b.endedAt);
  const ends: number[] = [];
  const highest: number[] = [];
  for (const call of byEnd) {
    ends.push(call.endedAt);
    highest.push(Math.max(highest.at(-1) ?? 0, positionShownBy(call, claims)));
  }
  return (startedAt) => highest[countBelow(ends, startedAt) - 1] ?? 0;
}

function upperBounds(calls: readonly LoggedCall[], claims: Claims, head: number) {
  const byStart = [...calls].sort((a, b) => a.startedAt - b.startedAt);
  const starts = byStart.map(({ startedAt }) => startedAt);
  const lowest: number[] = new Array<number>(byStart.length);
  let least = head;
  for (let n = byStart.length - 1; n >= 0; n--) {
    const [first] = claims.positionsOf.get(byStart[n]!) ?? [];
    const isItsOwn = first !== undefined && claims.claimantsOf.get(first)!.length === 1;
    least = Math.min(least, isItsOwn ? first - 1 : head);
    lowest[n] = least;
  }
  return (endedAt: number): number => lowest[countBelow(starts, endedAt + 1)] ?? head;
}

/** How many of the sorted numbers are less. */
function countBelow(sorted: readonly number[], limit: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The highest position that an answer proves to be recorded. */
function positionShownBy(call: LoggedCall, claims: Claims): number {
  const claimed = Math.max(0, ...(claims.positionsOf.get(call) ?? []));
  if (!isAccepted(call) || isDryRun(call)) return claimed;
  const { data, meta } = bodyOf(call);
  const shown = [meta?.position, meta?.headPosition, (data as { position?: string } | undefined)?.position];
  return Math.max(claimed, ...shown.map((position) => Number(position ?? 0)));
}
