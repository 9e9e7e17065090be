/** How far a ledger was taken in; null before its first event, which may have any position. */
export interface LedgerPosition {
  readonly epoch: number;
  readonly position: bigint;
}

/**
 * Where an event stands to what was taken in before. A ledger that was restored has a higher epoch and begins
 * again somewhere before its old end, so positions that come again under it are no repeats.
 */
export function orderOf(last: LedgerPosition | null, next: LedgerPosition): 'next' | 'repeat' | 'gap' {
  if (last === null) return 'next';
  if (next.epoch < last.epoch) return 'repeat';
  if (next.epoch === last.epoch && next.position <= last.position) return 'repeat';
  return next.position <= last.position + 1n ? 'next' : 'gap';
}
