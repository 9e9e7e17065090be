import type { Principal } from '#access';
import type { Refusal } from '#domain';
import { ApiError } from '#http';
import type { BatchItem } from '#journal';
import { batchRefusalError } from '../http/refusals.js';
import { canonicalText, itemHash } from '../http/request-hash.js';
import { requireMayAsk } from './may-ask.js';
import type { BatchItemBody, CreateBatchBody } from './transaction-bodies.js';
import { transactionDraft } from './transaction-draft.js';

/**
 * The text by which each item is the same as another: its body without its key, as it would be sent alone. Null
 * where nobody asks.
 * @param areAllNeeded the batch has a key of its own
 */
export function itemTexts(
  transactions: readonly BatchItemBody[],
  areAllNeeded: boolean,
): readonly (string | null)[] {
  return transactions.map((body) =>
    areAllNeeded || body.idempotencyKey !== undefined ? canonicalText(body, 'idempotencyKey') : null,
  );
}

/**
 * A batch's items as the journal takes them. What the caller may not ask for refuses the item that asks for it, and
 * with it all of an atomic batch.
 */
export function batchItems(
  { mode, transactions }: CreateBatchBody,
  texts: readonly (string | null)[],
  caller: Principal,
): BatchItem[] {
  return transactions.map((body, index) => {
    const refusal = refusalOf(caller, body);
    if (refusal && mode === 'atomic') {
      const message = `the transaction with index ${index} was refused, and with it the whole batch`;
      throw batchRefusalError({
        refusal: { code: 'batch_refused', message, path: null },
        index,
        reason: refusal,
      });
    }
    const text = body.idempotencyKey === undefined ? null : texts[index]!;
    return {
      idempotencyKey: body.idempotencyKey ?? null,
      requestHash: text === null ? null : itemHash(text),
      command: { kind: 'create-transaction', draft: transactionDraft(body) },
      ...(refusal ? { refusal } : {}),
    };
  });
}

function refusalOf(caller: Principal, body: BatchItemBody): Refusal | null {
  try {
    requireMayAsk(caller, body);
    return null;
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'forbidden') throw error;
    return { code: error.code, message: error.message, path: error.details[0]?.path ?? null };
  }
}
