import {
  accountWith,
  captureOf,
  draftOf,
  extensionOf,
  holdOf,
  idOf,
  moveOf,
  openingOf,
  rateOf,
  reversalOf,
  rootWith,
  stateNow,
  stateOf,
  voidOf,
} from '../../../test/support/ledger-fixtures.js';
import { LedgerStory } from '../../../test/support/ledger-story.js';
import type { Account } from './accounts.js';
import { unboundCaller, type Caller } from './callers.js';
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
const alice: Caller = { ownerId: 'alice', mayMint: true, mayBurn: true };
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
  const ownerOf = (ownerId: string | null, caller: Caller) => {
    const decision = decide(openingOf(idOf(1, 50), { settings: { ownerId } }), state(), caller);
    const opened = decision.accepted ? decision.events[0] : undefined;
    return opened?.type === 'account.opened' ? opened.account.ownerId : undefined;
  };

  it.each([
    ['bob', unboundCaller, 'bob'],
    [null, unboundCaller, null],
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
    expect(refusalOf(moveOf(txn, referenceOf(name), accounts.own.id, 1n), unboundCaller)).toBeNull();
    expect(refusalOf(moveOf(txn, accounts.own.id, referenceOf(name), 1n), unboundCaller)).toBeNull();
  }
});

/** What alice's and bob's owners, a stranger and a caller bound to none may do with what alice gives bob. */
describe('what follows a transaction is', () => {
  const [sender, recipient, other] = [accounts.own, accounts.private, accounts['own public']];
  const [followed, follower] = [idOf(2, 2), idOf(2, 3)];
  const story = (commands: readonly LedgerCommand[]) =>
    new LedgerStory([...Object.values(accounts), rootWith(-800n)]).tell(...commands);
  const ownedBy = (ownerId: string | null): Caller => ({ ...unboundCaller, ownerId });
  const hold = holdOf(followed, sender.id, recipient.id, 10n);
  const toBoth: LedgerCommand = {
    kind: 'create-transaction',
    draft: draftOf(
      followed,
      [
        { sender: sender.id, recipient: recipient.id, amount: 1n },
        { sender: sender.id, recipient: other.id, amount: 1n },
      ],
      { hold: { expiresAt: null } },
    ),
  };
  const withBurn: LedgerCommand = {
    kind: 'create-transaction',
    draft: draftOf(
      followed,
      [
        { sender: sender.id, recipient: recipient.id, amount: 1n },
        { sender: sender.id, recipient: 'ROOT', amount: 1n },
      ],
      { hold: { expiresAt: null } },
    ),
  };
  const [no, unseen] = ['forbidden', 'transaction_not_found'] as const;
  const capture = captureOf(followed, follower);
  const reverse = reversalOf(followed, follower);
  const release = voidOf(followed);
  const extend = extensionOf(followed, stateNow + 1_000n);
  const transfer = moveOf(followed, sender.id, recipient.id, 10n);
  const captured = [holdOf(idOf(2, 9), sender.id, recipient.id, 10n), captureOf(idOf(2, 9), followed)];

  it.each<
    [
      string,
      readonly LedgerCommand[],
      LedgerCommand,
      Record<'sender' | 'recipient' | 'stranger', string | null>,
    ]
  >([
    ['the capture of a hold', [hold], capture, { sender: no, recipient: null, stranger: unseen }],
    ['the void of a hold', [hold], release, { sender: no, recipient: null, stranger: unseen }],
    ['the extension of a hold', [hold], extend, { sender: no, recipient: no, stranger: unseen }],
    [
      'the capture of a hold for two owners',
      [toBoth],
      capture,
      { sender: no, recipient: no, stranger: unseen },
    ],
    ['the void of a hold for two owners', [toBoth], release, { sender: no, recipient: no, stranger: unseen }],
    [
      'the capture of a hold in part for ROOT',
      [withBurn],
      capture,
      { sender: no, recipient: no, stranger: unseen },
    ],
    ['the reversal of a transfer', [transfer], reverse, { sender: no, recipient: null, stranger: unseen }],
    ['the reversal of a capture', captured, reverse, { sender: no, recipient: null, stranger: unseen }],
  ])('%s', (_, commands, command, expected) => {
    const answers = (ownerId: string | null) =>
      story(commands).refusalOf(command, ownedBy(ownerId))?.[0] ?? null;
    expect({ sender: answers('alice'), recipient: answers('bob'), stranger: answers('carol') }).toEqual(
      expected,
    );
    expect(answers(null)).toBeNull();
  });

  it('told to a stranger as what does not exist, word for word', () => {
    for (const command of [capture, release, extend, reverse]) {
      const hidden = story([hold]).decide(command, ownedBy('carol'));
      expect(hidden).toEqual(story([]).decide(command, ownedBy('carol')));
      expect(hidden).toMatchObject({ refusal: { code: 'transaction_not_found' } });
    }
  });

  it("the recipient's of an exchange: EXCHANGE, which it goes through, is nobody's", () => {
    const dollars = accountWith(idOf(1, 60), 0n, { ownerId: 'bob', currency: 'USD' });
    const commands = [
      rateOf('EUR', 'USD', '2'),
      holdOf(idOf(2, 9), sender.id, dollars.id, 10n),
      captureOf(idOf(2, 9), followed, 5n),
    ];
    const exchange = new LedgerStory([sender, dollars]).tell(...commands);
    const bound = [captureOf(idOf(2, 9), follower), voidOf(idOf(2, 9)), reverse];
    expect(bound.map((command) => exchange.refusalOf(command, ownedBy('bob')))).toEqual([null, null, null]);
    expect(bound.map((command) => exchange.refusalOf(command, ownedBy('alice'))?.[0])).toEqual([no, no, no]);
  });
});
