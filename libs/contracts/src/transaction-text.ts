import type { TransactionState } from './postings.js';
import type { Recorded } from './recorded.js';
import { renderTransaction, type ShownTransaction } from './transaction.js';
import { accountIdOf, transactionIdOf } from './type-ids.js';
import type { Reader } from './visibility.js';

/**
 * The Transaction of the contract as JSON: the text that JSON.stringify makes of renderTransaction. Of a transfer that
 * is nothing more, with its balances, it is written field by field, which is done for each item of a batch, in less
 * than half of the time.
 */
export function transactionText(
  transaction: TransactionState,
  recorded: Recorded,
  shown: ShownTransaction,
  reader: Reader,
): string {
  return (
    transferText(transaction, recorded, shown, reader) ??
    JSON.stringify(renderTransaction(transaction, recorded, shown, reader))
  );
}

/** Null where there is more to be told than one movement, or less to be seen. */
function transferText(
  transaction: TransactionState,
  { position, recordedAt }: Recorded,
  { progress, hold, withBalances }: ShownTransaction,
  reader: Reader,
): string | null {
  if (reader.ownerId !== null || progress || hold || !withBalances) return null;
  const { legs, effectiveAt, made, parentId, reverses } = transaction;
  if (effectiveAt !== undefined || made) return null;
  // Which leaves out changes of currency as well: they have four legs.
  if (parentId !== undefined || reverses !== undefined || legs.length !== 2) return null;
  const [debit, credit] = [legs[0]!, legs[1]!];
  if (debit.accountId === credit.accountId || debit.currency !== credit.currency) return null;

  const sender = debit.system ?? accountIdOf(debit.accountId);
  const recipient = credit.system ?? accountIdOf(credit.accountId);
  const { reference, externalId } = transaction;
  const movement = `"sender":"${sender}","recipient":"${recipient}","amount":"${debit.amount}","currency":"${debit.currency}"`;
  return `{"id":"${transactionIdOf(transaction.transactionId)}","type":"${transaction.type}","status":"posted",${
    movement
  },"reference":${JSON.stringify(reference)},"externalId":${
    externalId === null ? 'null' : JSON.stringify(externalId)
  },"metadata":${JSON.stringify(transaction.metadata)},"postings":[{${
    movement
  }}],"meta":{},"reversedAmount":"0","reversals":[],"effectiveAt":"${recordedAt}","balances":[{"accountId":"${
    sender
  }","posted":"${debit.posted}","available":"${debit.available}","version":${debit.version}},{"accountId":"${
    recipient
  }","posted":"${credit.posted}","available":"${credit.available}","version":${
    credit.version
  }}],"position":"${position}","createdAt":"${recordedAt}"}`;
}
