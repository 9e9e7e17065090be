import type { FastifyReply } from 'fastify';
import type { Reader } from '#contracts';
import { applyLeg, type Account } from '#domain';
import type { CommittedEvent, Outcome } from '#journal';
import { present } from './present.js';
import { refusalError } from './refusals.js';

/** The events of an accepted write; a refusal is thrown as its error. A replay says so in a header. */
export function committedEvents(outcome: Outcome, reply: FastifyReply): readonly CommittedEvent[] {
  if (!outcome.accepted) throw refusalError(outcome.refusal);
  if (outcome.isReplay) void reply.header('Idempotency-Replayed', 'true');
  return outcome.events;
}

/**
 * The transaction that a write made, with the balances after it. Made from its events alone, so that a
 * replay is the first answer again; null once its data has been erased.
 */
export function transactionAnswer(events: readonly CommittedEvent[], reader: Reader) {
  for (const { event, position, recordedAt } of events) {
    if (event?.type === 'transaction.posted') {
      const record = { transaction: event.transaction, position, recordedAt };
      return { data: present({ kind: 'transaction', record, withBalances: true }, reader) };
    }
  }
  return { data: null };
}

/** The account that the first of a write's events is about, as it was after the last of them. */
export function accountAfter(events: readonly CommittedEvent[]): Account | null {
  const first = events[0]?.event;
  if (!first || first.type === 'transaction.posted') return null;
  return events.reduce((account, { event, recordedAt }) => {
    const legs = event?.type === 'transaction.posted' ? event.transaction.legs : [];
    return legs
      .filter((leg) => leg.accountId === account.id)
      .reduce((changed, leg) => applyLeg(changed, leg, recordedAt), account);
  }, first.account);
}
