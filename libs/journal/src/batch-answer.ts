import type { Refusal } from '#domain';
import type { CommittedEvent, Outcome } from './write-request.js';

/**
 * What is kept of the answer to a batch, besides its events: an accepted item by the positions of its events, which
 * are older than the batch where the item's own key was replayed; a refused one by its refusal.
 */
export type KeptItem =
  { readonly first: string; readonly last: string; readonly isReplay?: true } | { readonly refusal: Refusal };

export function keptAnswer(outcomes: readonly Outcome[]): KeptItem[] {
  return outcomes.map((outcome) => {
    if (!outcome.accepted) return { refusal: outcome.refusal };
    const [first, last] = [outcome.events[0]!, outcome.events.at(-1)!];
    const span = { first: first.position.toString(), last: last.position.toString() };
    return outcome.isReplay ? { ...span, isReplay: true } : span;
  });
}

/** The outcomes as they were, from the events that they are about. */
export function outcomesOf(
  kept: readonly KeptItem[],
  eventAt: (position: bigint) => CommittedEvent,
): Outcome[] {
  return kept.map((item) => {
    if ('refusal' in item) return { accepted: false, refusal: item.refusal };
    const events: CommittedEvent[] = [];
    for (let position = BigInt(item.first); position <= BigInt(item.last); position += 1n) {
      events.push(eventAt(position));
    }
    return { accepted: true, isReplay: item.isReplay ?? false, isDryRun: false, events };
  });
}
