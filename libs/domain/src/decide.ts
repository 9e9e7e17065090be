import type { Caller } from './callers.js';
import type { LedgerCommand } from './commands.js';
import { decideCloseAccount, decideOpenAccount, decideUpdateAccount } from './decide-account.js';
import { decideCapture, decideExpiry, decideExtension, decideVoid } from './decide-hold.js';
import { decideReversal } from './decide-reversal.js';
import { decideCurrency, decideExchangeRate, decidePeriod } from './decide-settings.js';
import { decideTransaction } from './decide-transaction.js';
import type { DomainEvent } from './events.js';
import type { LedgerState } from './ledger-state.js';
import type { Decision } from './refusals.js';

/**
 * Every rule of the ledger: a pure function of the command, the state, which it leaves unchanged, and who asks.
 * What a caller may not know of is refused as what doesn't exist, word for word.
 */
export function decide(command: LedgerCommand, state: LedgerState, caller: Caller): Decision<DomainEvent> {
  switch (command.kind) {
    case 'open-account':
      return decideOpenAccount(command, state, caller);
    case 'update-account':
      return decideUpdateAccount(command, state, caller);
    case 'close-account':
      return decideCloseAccount(command, state, caller);
    case 'create-transaction':
      return decideTransaction(command.draft, state, caller);
    case 'capture-hold':
      return decideCapture(command, state, caller);
    case 'void-hold':
      return decideVoid(command, state, caller);
    case 'expire-hold':
      return decideExpiry(command, state);
    case 'extend-hold':
      return decideExtension(command, state, caller);
    case 'reverse-transaction':
      return decideReversal(command, state, caller);
    case 'set-exchange-rate':
      return decideExchangeRate(command, state);
    case 'add-currency':
      return decideCurrency(command, state);
    case 'close-period':
      return decidePeriod(command, state);
  }
}
