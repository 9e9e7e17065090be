/** What `npm run test:fuzz` was asked for. */
export interface FuzzRun {
  readonly seconds: number;
  /** That has Schemathesis; empty where there is none. */
  readonly python: string;
}

const secondsDefault = 120;

export function fuzzRun(): FuzzRun {
  return {
    seconds: Number(process.env['FUZZ_SECONDS'] || secondsDefault),
    python: process.env['FUZZ_PYTHON'] ?? '',
  };
}
