const secondsMax = 24 * 3_600;
const httpDate = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*, .+ GMT$/;

/** What a Retry-After header asks for, from 1 s to 24 h; null where it can't be read. */
export function retryAfterSeconds(header: string, nowMs: number): number | null {
  const text = header.trim();
  const seconds = /^[0-9]{1,15}$/.test(text) ? Number(text) : secondsUntil(text, nowMs);
  if (seconds === null) return null;
  return Math.min(Math.max(seconds, 1), secondsMax);
}

function secondsUntil(text: string, nowMs: number): number | null {
  const atMs = httpDate.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(atMs) ? null : Math.ceil((atMs - nowMs) / 1_000);
}
