import type { FastifyReply } from 'fastify';
import type { Reader } from '#contracts';
import type { BatchOutcome, Outcome } from '#journal';
import { transactionAfter } from '../http/answer-write.js';
import { batchRefusalError, refusalAnswer } from '../http/refusals.js';
import type { BatchItemBody } from './transaction-bodies.js';
import { asSent } from './transaction-draft.js';

/** What became of each transaction of a batch, in order; a batch that was refused is thrown as its error. */
export function answerBatch(
  outcome: BatchOutcome,
  sent: readonly BatchItemBody[],
  reader: Reader,
  reply: FastifyReply,
) {
  if (!outcome.accepted) throw batchRefusalError(outcome);
  if (outcome.isReplay) void reply.header('Idempotency-Replayed', 'true');
  const { items } = outcome;
  const succeeded = items.reduce((sum, { accepted }) => (accepted ? sum + 1 : sum), 0);
  return {
    data: items.map((item, index) => answerItem(asSent(item, sent[index]!), reader)),
    meta: { succeeded, refused: items.length - succeeded },
  };
}

/** As it would be answered alone, with its status beside it. */
function answerItem(outcome: Outcome, reader: Reader) {
  if (outcome.accepted) {
    const data = transactionAfter(outcome.events, reader);
    return outcome.isReplay ? { status: 201, data, replayed: true } : { status: 201, data };
  }
  const { status, code, message, details } = refusalAnswer(outcome.refusal);
  return { status, error: { code, message, ...(details.length > 0 ? { details } : {}) } };
}
