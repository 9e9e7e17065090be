import {
  decide,
  type Account,
  type Caller,
  type DomainEvent,
  type LedgerCommand,
  type LedgerState,
  type Refusal,
} from '#domain';
import { encodeEventData } from './event-codec.js';
import { isTooLarge } from './event-size.js';

/** An event with the text that the journal will keep of it. */
export interface DecidedEvent {
  readonly event: DomainEvent;
  readonly dataText: string;
}

export type DecidedCommand =
  | { readonly accepted: true; readonly events: readonly DecidedEvent[]; readonly unchanged?: Account }
  | { readonly accepted: false; readonly refusal: Refusal };

/** Decides one command as the domain does, apart from what only who stores events can know. */
export function decideCommand(
  command: LedgerCommand,
  state: LedgerState,
  caller: Caller,
  undecidable: ReadonlyMap<string, Error | null>,
): DecidedCommand {
  if ('transactionId' in command) {
    const reason = undecidable.get(command.transactionId);
    if (reason) throw reason;
    if (reason === null) return { accepted: false, refusal: erasedRefusal(command, caller) };
  }
  const decision = decide(command, state, caller);
  if (!decision.accepted) return decision;
  const events: DecidedEvent[] = [];
  for (const event of decision.events) {
    const dataText = encodeEventData(event);
    if (isTooLarge(event, dataText)) return { accepted: false, refusal: tooLarge };
    events.push({ event, dataText });
  }
  return { ...decision, events };
}

const tooLarge: Refusal = {
  code: 'payload_too_large',
  message: 'the transaction is too large: its event would pass 250 KiB',
  path: null,
};

/** Whose an erased transaction is can't be told any more, so that no owner may know of it. */
function erasedRefusal({ kind }: LedgerCommand, { ownerId }: Caller): Refusal {
  if (ownerId !== null) {
    return { code: 'transaction_not_found', message: 'there is no such transaction', path: null };
  }
  const code = kind === 'reverse-transaction' ? 'not_reversible' : 'transaction_not_pending';
  return { code, message: 'the data of the transaction has been erased', path: null };
}
