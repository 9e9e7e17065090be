import { appendFileSync } from 'node:fs';

/** What `npm run test:faults` was asked for. */
export interface FaultRun {
  readonly rounds: number;
  /** Few rounds are played on machines that others use as well: what is compared over time gets more room. */
  readonly isShort: boolean;
  readonly withKafka: boolean;
}

const roundsDefault = 20;
const roundsOfShortRunMax = 5;

export function faultRun(): FaultRun {
  const rounds = Number(process.env['FAULT_ROUNDS'] || roundsDefault);
  return {
    rounds,
    isShort: rounds <= roundsOfShortRunMax,
    withKafka: process.env['FAULT_KAFKA'] === 'true' || Boolean(process.env['KAFKA_BROKERS']),
  };
}

export type Figures = Readonly<Record<string, number | string>>;

/** One line of a test's figures; `tools/test-faults.mjs` makes its table of them. */
export function reportFigures(test: string, figures: Figures): void {
  const told = Object.entries(figures).map(([name, value]) => `${name} ${value}`);
  process.stdout.write(`figures of ${test}: ${told.join(', ')}\n`);
  const file = process.env['FAULT_FIGURES'];
  if (file) appendFileSync(file, `${JSON.stringify({ test, figures })}\n`);
}

/** As figures show a time. */
export const inSeconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
