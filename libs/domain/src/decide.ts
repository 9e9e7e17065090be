import type { LedgerCommand } from './commands.js';
import { decideCloseAccount, decideOpenAccount, decideUpdateAccount } from './decide-account.js';
import { decideTransaction } from './decide-transaction.js';
import type { DomainEvent } from './events.js';
import type { LedgerState } from './ledger-state.js';
import type { Decision } from './refusals.js';

/** Every rule of the ledger: a pure function of the command and the state, which it leaves unchanged. */
export function decide(command: LedgerCommand, state: LedgerState): Decision<DomainEvent> {
  switch (command.kind) {
    case 'open-account':
      return decideOpenAccount(command, state);
    case 'update-account':
      return decideUpdateAccount(command, state);
    case 'close-account':
      return decideCloseAccount(command, state);
    case 'create-transaction':
      return decideTransaction(command.draft, state);
  }
}
