import {
  accountWith,
  draftOf,
  idOf,
  moveOf,
  openingOf,
  rootWith,
  stateOf,
} from '../../../test/support/ledger-fixtures.js';
import type { Account } from './accounts.js';
import type { Caller } from './callers.js';
import type { LedgerCommand } from './commands.js';
import { decide } from './decide.js';

/** The accounts of the tables below, by what they are to a caller who is bound to alice. */
const accounts = {
  own: accountWith(idOf(1, 1), 100n, { ownerId: 'alice' }),
  'own public': accountWith(idOf(1, 2), 100n, { ownerId: 'alice', visibility: 'public' }),
  public: accountWith(idOf(1, 3), 100n, { ownerId: 'bob', visibility: 'public' }),
  unlisted: accountWith(idOf(1, 4), 100n, { ownerId: 'bob', visibility: 'unlisted' }),
  private: accountWith(idOf(1, 5), 100n, { ownerId: 'bob' }),
  "nobody's": accountWith(idOf(1, 6), 100n),
  "nobody's public": accountWith(idOf(1, 7), 100n, { visibility: 'public' }),
  "one's whose name differs in case": accountWith(idOf(1, 8), 100n, { ownerId: 'Alice' }),
} satisfies Record<string, Account>;
type Name = keyof typeof accounts | 'ROOT' | 'missing';

const names = [...(Object.keys(accounts) as Name[]), 'ROOT', 'missing'] as const;
const alice: Caller = { ownerId: 'alice' };
const txn = idOf(2, 1);

const referenceOf = (name: Name) =>
  name === 'ROOT' ? 'ROOT' : name === 'missing' ? idOf(1, 99) : accounts[name].id;
const state = () => stateOf([...Object.values(accounts), rootWith(-800n)]);

function refusalOf(command: LedgerCommand, caller = alice) {
  const decision = decide(command, state(), caller);
  return decision.accepted ? null : decision.refusal;
}

const mayDebitNames: readonly Name[] = ['own', 'own public'];
const mayCreditNames: readonly Name[] = [...mayDebitNames, 'public', 'unlisted', "nobody's public"];

describe('an owner moves money', () => {
  it.each(names)('from their own account to %s', (name) => {
    const recipient = name === 'own' ? accounts['own public'].id : referenceOf(name);
    expect(refusalOf(moveOf(txn, accounts.own.id, recipient, 1n))).toEqual(
      mayCreditNames.includes(name)
        ? null
        : { code: 'account_not_found', message: 'the recipient does not exist', path: 'recipient' },
    );
  });

  it.each(names)('from %s to their own account', (name) => {
    const sender = name === 'own' ? accounts['own public'].id : referenceOf(name);
    const command = moveOf(txn, sender, accounts.own.id, 1n);
    expect(refusalOf(command)).toEqual(
      mayDebitNames.includes(name)
        ? null
        : { code: 'account_not_found', message: 'the sender does not exist', path: 'sender' },
    );
  });

  it('in several postings, all of which they may make', () => {
    const postings = (third: string) => [
      { sender: accounts.own.id, recipient: accounts.public.id, amount: 1n },
      { sender: accounts['own public'].id, recipient: third, amount: 1n },
    ];
    const refused = (third: string) =>
      refusalOf({ kind: 'create-transaction', draft: draftOf(txn, postings(third)) });
    expect(refused(accounts.unlisted.id)).toBeNull();
    expect(refused(accounts.private.id)).toEqual(refused(idOf(1, 99)));
    expect(refused(accounts.private.id)?.path).toBe('postings[1].recipient');
  });

  it('and is told of what they may not see before anything else of it', () => {
    const state = stateOf([accounts.own, { ...accounts.private, status: 'closed', currency: 'USD' }]);
    const decision = decide(moveOf(txn, accounts.own.id, accounts.private.id, 10_000n), state, alice);
    expect(decision).toMatchObject({ accepted: false, refusal: { code: 'account_not_found' } });
  });
});

describe('an owner changes and closes', () => {
  it.each(names)('%s', (name) => {
    const accountId = referenceOf(name);
    const update = { kind: 'update-account', accountId, changes: { name: 'x' }, preconditions: [] } as const;
    const close = { kind: 'close-account', accountId, preconditions: [] } as const;
    const isOwn = mayDebitNames.includes(name);
    const missing = { code: 'account_not_found', message: 'the account does not exist', path: null };
    expect(refusalOf(update)).toEqual(isOwn ? null : missing);
    expect(refusalOf(close)).toEqual(
      isOwn ? expect.objectContaining({ code: 'account_not_empty' }) : missing,
    );
  });
});

describe('an account that is opened', () => {
  const ownerOf = (ownerId: string | null, caller: { ownerId: string | null }) => {
    const decision = decide(openingOf(idOf(1, 50), { settings: { ownerId } }), state(), caller);
    const opened = decision.accepted ? decision.events[0] : undefined;
    return opened?.type === 'account.opened' ? opened.account.ownerId : undefined;
  };

  it.each([
    ['bob', { ownerId: null }, 'bob'],
    [null, { ownerId: null }, null],
    ['bob', alice, 'alice'],
    [null, alice, 'alice'],
  ])("with the owner %s by %j is %s's", (asked, caller, expected) => {
    expect(ownerOf(asked, caller)).toBe(expected);
  });

  it('has no opening balance where its owner opens it, as that comes from ROOT', () => {
    const opening = openingOf(idOf(1, 50), { balance: { transactionId: txn, amount: 1n } });
    expect(refusalOf(opening)?.code).toBe('account_not_found');
  });
});

it('a caller bound to no owner may name every account', () => {
  for (const name of names.filter((each) => each !== 'missing' && each !== 'own')) {
    const unbound = { ownerId: null };
    expect(refusalOf(moveOf(txn, referenceOf(name), accounts.own.id, 1n), unbound)).toBeNull();
    expect(refusalOf(moveOf(txn, accounts.own.id, referenceOf(name), 1n), unbound)).toBeNull();
  }
});
