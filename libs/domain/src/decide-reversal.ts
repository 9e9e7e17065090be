import { ownsRecipients, type Caller } from './callers.js';
import type { ReverseTransactionCommand } from './commands.js';
import { effectOf, type DomainEvent } from './events.js';
import { divideHalfEven } from './exchange-rates.js';
import type { LedgerState } from './ledger-state.js';
import { move, refuseByLimits, refuseByStatus, type Movement } from './movements.js';
import { accept, refuse, type Decision, type Refused } from './refusals.js';
import { splitProportionally } from './split.js';
import {
  findTransaction,
  isSingle,
  leftToReverse,
  lesser,
  movementsOf,
  partiesOf,
  settledOf,
} from './stored-transactions.js';
import {
  followersMax,
  type Direction,
  type Progress,
  type Progressed,
  type StoredTransaction,
  type Transaction,
} from './transactions.js';

/**
 * Gives back all or a part of a transaction, with its postings turned round. All reversals of it together give back
 * no more than it has moved, and nobody is overdrawn by one.
 */
export function decideReversal(
  { transactionId, reversalId, amount, reason }: ReverseTransactionCommand,
  state: LedgerState,
  caller: Caller,
): Decision<DomainEvent> {
  const stored = findTransaction(transactionId, state, caller);
  if ('accepted' in stored) return stored;
  const { transaction } = stored;
  const hold = holdOf(transaction, state);
  const refusedCaller = refuseByCaller(transaction, caller);
  if (refusedCaller) return refusedCaller;
  if (amount !== null && hasSeveralCurrencies(transaction)) {
    return refuse(
      'validation_error',
      'goes not with several currencies, which are reversed as a whole',
      'amount',
    );
  }
  const parties = partiesOf(transaction, state).map(({ sender, recipient }) => ({
    sender: recipient,
    recipient: sender,
  }));
  const left = leftToReverse(stored, hold?.progress ?? null);
  const { exchanges } = transaction;
  const isAsked = (posting: Movement) => posting.amount > 0n || exchanges !== undefined || isSpent(left);
  const refusedState =
    refuseByStatus(movementsOf(parties, left).filter(isAsked)) ?? refuseByProgress(stored, hold, left);
  if (refusedState) return refusedState;
  const amounts = amount === null ? left : partOf(transaction, amount, left);
  if ('accepted' in amounts) return amounts;

  // A share of nothing moves nothing; but the two postings of an exchange stay together.
  const movements = movementsOf(parties, amounts).filter(
    (movement) => exchanges !== undefined || movement.amount > 0n,
  );
  const moved = move(movements, effectOf('transaction.reversed'));
  const overLimit = refuseByLimits(movements, moved);
  if (overLimit) return overLimit;
  const progressed: Progressed[] = [{ transactionId, progress: withReversal(stored, reversalId, amounts) }];
  if (hold && transaction.parentId !== undefined) {
    const progress = withReversal(hold, reversalId, amounts);
    progressed.push({ transactionId: transaction.parentId, progress });
  }
  return accept<DomainEvent>([
    {
      type: 'transaction.reversed',
      transaction: {
        transactionId: reversalId,
        type: 'reversal',
        reference: transaction.reference,
        externalId: null,
        metadata: {},
        legs: moved.legs,
        ...(exchanges ? { exchanges } : {}),
        reverses: transactionId,
        reason,
      },
      progressed,
    },
  ]);
}

function holdOf({ parentId }: Transaction, state: LedgerState): StoredTransaction | null {
  if (parentId === undefined) return null;
  const hold = state.transaction(parentId);
  if (!hold) throw new Error(`the hold ${parentId} of a capture is not in the state`);
  return hold;
}

/** Whoever gives the money back decides; what comes out of ROOT is made, what goes into it is destroyed. */
function refuseByCaller({ legs }: Transaction, caller: Caller): Refused | null {
  if (!ownsRecipients(caller, legs)) {
    return refuse('forbidden', 'a transaction is reversed by the owner who gives the money back');
  }
  const hasRoot = (direction: Direction) =>
    legs.some((leg) => leg.system === 'ROOT' && leg.direction === direction);
  if (!caller.mayMint && hasRoot('credit')) {
    return refuse('forbidden', 'reversing this makes money: the key needs mint');
  }
  if (!caller.mayBurn && hasRoot('debit')) {
    return refuse('forbidden', 'reversing this destroys money: the key needs burn');
  }
  return null;
}

/** One exchange has a currency to count in, that of its sender. */
function hasSeveralCurrencies(transaction: Transaction): boolean {
  if (transaction.exchanges && isSingle(transaction)) return false;
  return new Set(transaction.legs.map(({ currency }) => currency)).size > 1;
}

function refuseByProgress(
  { transaction, isHold, progress }: StoredTransaction,
  hold: StoredTransaction | null,
  left: readonly bigint[],
): Refused | null {
  if (transaction.type === 'reversal') return refuse('not_reversible', "a reversal can't be reversed");
  if (isHold && progress.captures === 0) {
    return refuse('not_reversible', `the hold is ${progress.status}, and nothing of it was captured`);
  }
  if (isSpent(left)) return refuse('already_reversed', 'nothing is left to reverse');
  const isFull = [progress, hold?.progress].some(
    (each) => each && each.captures + each.reversals.length >= followersMax,
  );
  if (isFull) return refuse('not_reversible', `the transaction has ${followersMax} captures and reversals`);
  return null;
}

/** Of accounts that have given back their part, none is asked again; once all have, all of them are. */
function isSpent(left: readonly bigint[]): boolean {
  return left.every((amount) => amount === 0n);
}

/** The part of each posting that a reversal of an amount takes. */
function partOf(
  { exchanges }: Transaction,
  amount: bigint,
  left: readonly bigint[],
): readonly bigint[] | Refused {
  const total = exchanges ? left[0]! : left.reduce((sum, part) => sum + part, 0n);
  if (amount > total)
    return refuse('amount_exceeds_remaining', 'less than that is left to reverse', 'amount');
  if (!exchanges) return splitProportionally(amount, left);
  if (amount === total) return left;
  const [sent, converted] = left as [bigint, bigint];
  const share = divideHalfEven(converted * amount, sent);
  if (share === 0n)
    return refuse('amount_too_small', 'it comes to nothing in the currency of the recipient', 'amount');
  return [amount, share];
}

/** By the rounding of an exchange, a capture can give back a little more than it took: its hold counts that. */
function withReversal(stored: StoredTransaction, reversalId: string, amounts: readonly bigint[]): Progress {
  const settled = settledOf(stored);
  const { progress } = stored;
  return {
    ...progress,
    reversed: progress.reversed.map((before, index) => lesser(before + amounts[index]!, settled[index]!)),
    reversals: [...progress.reversals, reversalId],
  };
}
