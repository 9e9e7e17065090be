import type { FastifyReply } from 'fastify';
import type { Reader } from '#contracts';
import { applyLeg, effectOf, isAccountEvent, isTransactionEvent, progressOf, type Account } from '#domain';
import type { CommittedEvent, Outcome } from '#journal';
import {
  present,
  presentTransactionText,
  type SettingResource,
  type TransactionResource,
} from './present.js';
import { refusalError } from './refusals.js';

/** The events of an accepted write; a refusal is thrown as its error. A replay says so in a header. */
export function committedEvents(outcome: Outcome, reply: FastifyReply): readonly CommittedEvent[] {
  if (!outcome.accepted) throw refusalError(outcome.refusal);
  if (outcome.isReplay) void reply.header('Idempotency-Replayed', 'true');
  // Nothing was made: that is what only 201 says.
  if (outcome.isDryRun) void reply.code(200);
  return outcome.events;
}

/**
 * The transaction that a write made or changed, with the balances after it. Made from its events alone, so that a
 * replay is the first answer again; null once its data has been erased.
 */
export function transactionAnswer(events: readonly CommittedEvent[], reader: Reader) {
  const made = transactionAfter(events);
  return { data: made && present(made, reader) };
}

/** The transaction of the same answer, as JSON. */
export function transactionAnswerText(events: readonly CommittedEvent[], reader: Reader): string {
  const made = transactionAfter(events);
  return made ? presentTransactionText(made, reader) : 'null';
}

function transactionAfter(events: readonly CommittedEvent[]): TransactionResource | null {
  for (const committed of events) {
    const written = writtenTransaction(committed);
    if (written) return written;
  }
  return null;
}

function writtenTransaction({ event, position, recordedAt }: CommittedEvent): TransactionResource | null {
  if (!event || !isTransactionEvent(event)) return null;
  const { transaction } = event;
  const progressed = progressOf(event);
  const stateOf = (transactionId: string | undefined) =>
    progressed.find((each) => each.transactionId === transactionId)?.progress ?? null;
  return {
    kind: 'transaction',
    record: { transaction, position, recordedAt },
    progress: stateOf(transaction.transactionId),
    hold: stateOf(transaction.parentId),
    withBalances: true,
  };
}

/** What a write has told the ledger to be; null once its data has been erased. */
export function settingAnswer([committed]: readonly CommittedEvent[], reader: Reader) {
  const resource = committed ? writtenSetting(committed) : null;
  return { data: resource && present(resource, reader) };
}

function writtenSetting({ event, ...record }: CommittedEvent): SettingResource | null {
  if (event?.type === 'exchange-rate.set') return { kind: 'exchange-rate', exchangeRate: event, record };
  if (event?.type === 'currency.added') return { kind: 'currency', currency: event, record };
  return event?.type === 'period.closed' ? { kind: 'period', period: event, record } : null;
}

/** The account that the first of a write's events is about, as it was after the last of them. */
export function accountAfter(events: readonly CommittedEvent[]): Account | null {
  const first = events[0]?.event;
  if (!first || !isAccountEvent(first)) return null;
  return events.reduce((account, { event, recordedAt }) => {
    if (!event || !isTransactionEvent(event)) return account;
    const effect = effectOf(event.type);
    return event.transaction.legs
      .filter((leg) => leg.accountId === account.id)
      .reduce((changed, leg) => applyLeg(changed, leg, effect, recordedAt), account);
  }, first.account);
}
