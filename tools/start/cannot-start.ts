/** What the person who started us has to know, and nothing else: printed without a stack. */
export class CannotStart extends Error {
  override readonly name = 'CannotStart';
}

/** The end of every tool: a sentence for what a person can put right, everything for what is our bug. */
export function reportFailure(error: unknown): void {
  if (error instanceof CannotStart) console.error(error.message);
  else console.error(error);
}

export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
