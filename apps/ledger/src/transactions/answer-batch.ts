import type { FastifyReply } from 'fastify';
import type { Reader } from '#contracts';
import type { BatchOutcome, Outcome } from '#journal';
import { transactionAnswerText } from '../http/answer-write.js';
import { batchRefusalError, refusalAnswer } from '../http/refusals.js';
import type { BatchItemBody } from './transaction-bodies.js';
import { asSent } from './transaction-draft.js';

/** Items whose text becomes bytes at once: of all of them it would be copied out of the processor's caches and back. */
const itemsPerPart = 64;

/**
 * What became of each transaction of a batch, in order, as the bytes of a JSON text; a batch that was refused is thrown
 * as its error.
 */
export function answerBatch(
  outcome: BatchOutcome,
  sent: readonly BatchItemBody[],
  reader: Reader,
  reply: FastifyReply,
): Buffer {
  if (!outcome.accepted) throw batchRefusalError(outcome);
  if (outcome.isReplay) void reply.header('Idempotency-Replayed', 'true');
  void reply.type('application/json; charset=utf-8');
  const parts: Buffer[] = [];
  let succeeded = 0;
  let text = '{"data":[';
  for (const [index, item] of outcome.items.entries()) {
    if (item.accepted) succeeded += 1;
    text += (index === 0 ? '' : ',') + itemText(asSent(item, sent[index]!), reader);
    if ((index + 1) % itemsPerPart > 0) continue;
    parts.push(Buffer.from(text));
    text = '';
  }
  const meta = { succeeded, refused: outcome.items.length - succeeded };
  return Buffer.concat([...parts, Buffer.from(`${text}],"meta":${JSON.stringify(meta)}}`)]);
}

/** As it would be answered alone, with its status beside it. */
function itemText(outcome: Outcome, reader: Reader): string {
  if (outcome.accepted) {
    const replayed = outcome.isReplay ? ',"replayed":true' : '';
    return `{"status":201,"data":${transactionAnswerText(outcome.events, reader)}${replayed}}`;
  }
  const { status, code, message, details } = refusalAnswer(outcome.refusal);
  return JSON.stringify({ status, error: { code, message, ...(details.length > 0 ? { details } : {}) } });
}
