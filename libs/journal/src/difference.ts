/** The first thing that is not as the journal says it must be. */
export interface Difference {
  readonly ledgerId: string;
  /** What was compared: the chain, a leg, an account, a request … */
  readonly subject: string;
  readonly position: bigint | null;
  readonly expected: string;
  readonly found: string;
}

/** Null where both are the same, as text. */
export type Compare = (subject: string, expected: unknown, found: unknown) => Difference | null;
