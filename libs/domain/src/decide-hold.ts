import { ownsRecipients, type Caller } from './callers.js';
import type {
  CaptureHoldCommand,
  ExpireHoldCommand,
  ExtendHoldCommand,
  VoidHoldCommand,
} from './commands.js';
import { effectOf, type DomainEvent } from './events.js';
import { convertBetween } from './convert-between.js';
import type { LedgerState } from './ledger-state.js';
import { move, refuseByStatus } from './movements.js';
import { accept, refuse, type Decision, type Refused } from './refusals.js';
import { findTransaction, isSingle, leftToCapture, movementsOf, partiesOf } from './stored-transactions.js';
import { amountsOf, followersMax, type Progress, type StoredTransaction } from './transactions.js';

/**
 * Posts all or a part of what is held. Limits were checked when the hold was made; accounts that have been frozen or
 * closed since refuse it all the same.
 */
export function decideCapture(
  { transactionId, captureId, amount, isFinal }: CaptureHoldCommand,
  state: LedgerState,
  caller: Caller,
): Decision<DomainEvent> {
  const stored = findTransaction(transactionId, state, caller);
  if ('accepted' in stored) return stored;
  const { transaction: hold, progress } = stored;
  const refusedCaller = refuseOthersThanRecipient(stored, caller);
  if (refusedCaller) return refusedCaller;
  if (amount !== null && stored.isHold && !isSingle(hold)) {
    return refuse(
      'validation_error',
      'goes not with several postings, which are captured as a whole',
      'amount',
    );
  }
  const parties = partiesOf(hold, state);
  const left = leftToCapture(stored);
  const refused = refuseByStatus(movementsOf(parties, left)) ?? refuseUnlessOpen(stored, state);
  if (refused) return refused;
  if (progress.captures + progress.reversals.length >= followersMax) {
    return refuse(
      'transaction_not_pending',
      `the hold has ${followersMax} captures and reversals: it can be voided`,
    );
  }
  if (amount !== null && amount > left[0]!) {
    return refuse('amount_exceeds_remaining', 'less than that is still held', 'amount');
  }
  const amounts = amount === null ? left : partOf(stored, amount, state);
  if (hold.exchanges?.length === 1 && amount !== null && progress.captured[1]! + amounts[1]! === 0n) {
    return refuse('amount_too_small', 'it comes to nothing in the currency of the recipient', 'amount');
  }
  const captured = progress.captured.map((before, index) => before + amounts[index]!);
  const rest = left.map((before, index) => before - amounts[index]!);
  const isEnd = isFinal || rest.every((amountLeft) => amountLeft === 0n);
  const movements = movementsOf(parties, amounts, isEnd ? rest : []);
  const { legs } = move(movements, effectOf('transaction.captured'));
  const { reference, exchanges } = hold;
  return accept<DomainEvent>([
    {
      type: 'transaction.captured',
      transaction: {
        transactionId: captureId,
        type: 'capture',
        reference,
        externalId: null,
        metadata: {},
        legs,
        ...(exchanges ? { exchanges } : {}),
        held: amountsOf(hold),
        parentId: transactionId,
      },
      progressed: [
        {
          transactionId,
          progress: {
            ...progress,
            status: isEnd ? 'posted' : 'partially_captured',
            captured,
            captures: progress.captures + 1,
          },
        },
      ],
    },
  ]);
}

/** Releases all that is left of a hold, whatever its accounts are by now. */
export function decideVoid(
  { transactionId }: VoidHoldCommand,
  state: LedgerState,
  caller: Caller,
): Decision<DomainEvent> {
  const stored = findTransaction(transactionId, state, caller);
  if ('accepted' in stored) return stored;
  const refused = refuseOthersThanRecipient(stored, caller) ?? refuseUnlessOpen(stored, state);
  return refused ?? accept([ended(stored, 'voided', state)]);
}

/** The same, by the ledger itself, once the hold's time has come. */
export function decideExpiry(
  { transactionId }: ExpireHoldCommand,
  state: LedgerState,
): Decision<DomainEvent> {
  const stored = state.transaction(transactionId);
  if (!stored?.isHold || !isOpen(stored.progress)) {
    return refuse('transaction_not_pending', 'the transaction is no open hold');
  }
  if (!isOverdue(stored.progress, state)) return refuse('transaction_not_pending', 'the hold has time left');
  return accept([ended(stored, 'expired', state)]);
}

/** Gives an open hold more time. Nothing moves. */
export function decideExtension(
  { transactionId, expiresAt }: ExtendHoldCommand,
  state: LedgerState,
  caller: Caller,
): Decision<DomainEvent> {
  if (expiresAt <= state.nextRecordedAt) {
    return refuse('validation_error', 'must be in the future', 'expiresAt');
  }
  const stored = findTransaction(transactionId, state, caller);
  if ('accepted' in stored) return stored;
  if (caller.ownerId !== null)
    return refuse('forbidden', 'holds are extended by keys that are bound to no owner');
  const refused = refuseUnlessOpen(stored, state);
  if (refused) return refused;
  if (stored.progress.expiresAt !== null && expiresAt < stored.progress.expiresAt) {
    return refuse('validation_error', 'must not be before the present end of the hold', 'expiresAt');
  }
  return accept([holdEvent(stored, 'transaction.extended', { ...stored.progress, expiresAt }, state)]);
}

function ended(stored: StoredTransaction, status: 'voided' | 'expired', state: LedgerState): DomainEvent {
  return holdEvent(stored, `transaction.${status}`, { ...stored.progress, status }, state);
}

/** An event whose transaction is the hold, with the legs that release what is left of it, or that move nothing. */
function holdEvent(
  stored: StoredTransaction,
  type: 'transaction.voided' | 'transaction.expired' | 'transaction.extended',
  progress: Progress,
  state: LedgerState,
): DomainEvent {
  const { transaction } = stored;
  const left = leftToCapture(stored);
  const amounts = type === 'transaction.extended' ? left.map(() => 0n) : left;
  const movements = movementsOf(partiesOf(transaction, state), amounts);
  const { legs } = move(movements, effectOf(type));
  return {
    type,
    // Its externalId was taken when it was made.
    transaction: { ...transaction, legs, held: amountsOf(transaction), made: stored.made },
    progress,
  };
}

/**
 * The part of each posting that a partial capture takes: of an exchange, what is captured in all at the hold's rate,
 * rounded, less what was captured before.
 */
function partOf(
  { transaction: { legs, exchanges }, progress }: StoredTransaction,
  amount: bigint,
  state: LedgerState,
): bigint[] {
  const exchange = exchanges?.[0];
  if (!exchange) return [amount];
  const [sent, received] = [legs[0]!.currency, legs[3]!.currency];
  const [captured, converted] = progress.captured as [bigint, bigint];
  return [amount, convertBetween(captured + amount, exchange.rate, sent, received, state) - converted];
}

/** Who is to get the money says when it is taken; whoever gives it has promised it. */
function refuseOthersThanRecipient({ transaction }: StoredTransaction, caller: Caller): Refused | null {
  if (ownsRecipients(caller, transaction.legs)) return null;
  return refuse('forbidden', 'a hold is captured and voided by the owner of the recipient');
}

function isOpen({ status }: Progress): boolean {
  return status === 'pending' || status === 'partially_captured';
}

/** From then on only its expiry can follow, even before that is written. */
function isOverdue({ expiresAt }: Progress, state: LedgerState): boolean {
  return expiresAt !== null && expiresAt <= state.nextRecordedAt;
}

function refuseUnlessOpen({ isHold, progress }: StoredTransaction, state: LedgerState): Refused | null {
  if (!isHold) return refuse('transaction_not_pending', 'the transaction is no hold');
  if (!isOpen(progress)) return refuse('transaction_not_pending', `the hold is ${progress.status}`);
  if (isOverdue(progress, state)) return refuse('transaction_not_pending', 'the hold has expired');
  return null;
}
