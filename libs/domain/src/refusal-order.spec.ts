import {
  accountWith,
  captureOf,
  draftOf,
  expiryOf,
  extensionOf,
  holdOf,
  idOf,
  moveOf,
  reversalOf,
  settingsOf,
  stateNow,
  stateOf,
  voidOf,
} from '../../../test/support/ledger-fixtures.js';
import { LedgerStory } from '../../../test/support/ledger-story.js';
import type { Account } from './accounts.js';
import { unboundCaller, type Caller } from './callers.js';
import type { LedgerCommand } from './commands.js';
import { decide } from './decide.js';
import type { GatheredState } from './ledger-state.js';
import type { PostingDraft, TransactionDraft } from './transactions.js';

const [alice, bob, carol, nobody] = [idOf(1, 1), idOf(1, 2), idOf(1, 3), idOf(1, 9)] as const;
const [txn, first, second] = [idOf(2, 1), idOf(2, 2), idOf(2, 3)] as const;
const deadline = stateNow + 1_000n;

type Refused = readonly [code: string, path: string | null] | null;

describe('a transaction with every fault: each row mends the one that the row before was refused for', () => {
  interface Given {
    readonly accounts: Readonly<Record<string, Account>>;
    readonly state: Partial<GatheredState>;
    readonly posting: PostingDraft;
    readonly draft: Partial<TransactionDraft>;
  }
  interface Mended {
    readonly accounts?: Readonly<Record<string, Account>>;
    readonly state?: Partial<GatheredState>;
    readonly posting?: Partial<PostingDraft>;
    readonly draft?: Partial<TransactionDraft>;
  }
  const dollars = (changes: Partial<Account> = {}) =>
    accountWith(bob, 0n, { currency: 'USD', maxBalance: 50n, ...changes });
  const condition = { account: carol, version: 7 };
  const broken: Given = {
    accounts: {},
    state: { transactionExternalIds: ['order-1'], closedBefore: 1_000n },
    posting: { sender: alice, recipient: alice, amount: 1n },
    draft: {
      effectiveAt: stateNow + 1n,
      hold: { expiresAt: stateNow },
      externalId: 'order-1',
      conditions: [condition],
    },
  };
  const rows: readonly (readonly [fact: string, mended: Mended, refused: Refused])[] = [
    ['nothing is right', {}, ['validation_error', 'effectiveAt']],
    ['it took effect before', { draft: { effectiveAt: 999n } }, ['validation_error', 'expiresAt']],
    ['its hold has time', { draft: { hold: { expiresAt: deadline } } }, ['same_account', 'recipient']],
    ['it has two sides', { posting: { recipient: bob } }, ['account_not_found', 'sender']],
    [
      'the sender exists',
      { accounts: { alice: accountWith(alice, 10n, { status: 'frozen' }) } },
      ['account_not_found', 'recipient'],
    ],
    [
      'the recipient exists',
      { accounts: { bob: dollars({ status: 'closed' }) } },
      ['account_not_found', 'conditions[0].accountId'],
    ],
    [
      'the account of the condition exists',
      { accounts: { carol: accountWith(carol, 0n, { status: 'closed', version: 6 }) } },
      ['account_closed', 'recipient'],
    ],
    ['the recipient is not closed', { accounts: { bob: dollars() } }, ['account_frozen', 'sender']],
    [
      'the sender is not frozen',
      { accounts: { alice: accountWith(alice, 10n) } },
      ['external_id_taken', 'externalId'],
    ],
    [
      'the external id is free',
      { state: { transactionExternalIds: [] } },
      ['exchange_rate_missing', 'recipient'],
    ],
    [
      'there is a rate',
      { state: { exchangeRates: [{ from: 'EUR', to: 'USD', rate: '0.5' }] } },
      ['amount_too_small', 'amount'],
    ],
    ['it comes to something', { posting: { amount: 200n } }, ['period_closed', 'effectiveAt']],
    ['the period is open', { draft: { effectiveAt: 1_000n } }, ['version_conflict', 'conditions[0].version']],
    [
      'the condition holds',
      { accounts: { carol: accountWith(carol, 0n, { status: 'closed', version: 7 }) } },
      ['insufficient_funds', 'amount'],
    ],
    [
      'there is money',
      { accounts: { alice: accountWith(alice, 500n) } },
      ['balance_limit_exceeded', 'amount'],
    ],
    ['there is room for it', { accounts: { bob: dollars({ maxBalance: 100n }) } }, null],
  ];

  it.each(rows.map(([fact, , refused], index) => [fact, refused, index] as const))(
    '%s',
    (_, refused, index) => {
      const given = rows.slice(0, index + 1).reduce<Given>(
        (so, [, mended]) => ({
          accounts: { ...so.accounts, ...mended.accounts },
          state: { ...so.state, ...mended.state },
          posting: { ...so.posting, ...mended.posting },
          draft: { ...so.draft, ...mended.draft },
        }),
        broken,
      );
      const state = stateOf(Object.values(given.accounts), given.state);
      const draft = draftOf(txn, [given.posting], given.draft);
      const decision = decide({ kind: 'create-transaction', draft }, state, unboundCaller);
      expect(decision.accepted ? null : [decision.refusal.code, decision.refusal.path]).toEqual(refused);
    },
  );

  it('a rate between equal currencies is refused where a rate that is missing is', () => {
    const accounts = [accountWith(alice, 0n), accountWith(bob, 0n)];
    const posting = { sender: alice, recipient: bob, amount: 1n, exchangeRate: '1.1' };
    const refusalOf = (draft: Partial<TransactionDraft>, given: Partial<GatheredState>) => {
      const command = { kind: 'create-transaction', draft: draftOf(txn, [posting], draft) } as const;
      const decision = decide(command, stateOf(accounts, given), unboundCaller);
      return decision.accepted ? null : decision.refusal.code;
    };
    const taken = { transactionExternalIds: ['order-1'], closedBefore: 1_000n };
    expect(refusalOf({ externalId: 'order-1', effectiveAt: 1n }, taken)).toBe('external_id_taken');
    expect(refusalOf({ effectiveAt: 1n }, taken)).toBe('currency_mismatch');
  });
});

const changing = (accountId: string, changes: Partial<Account>): LedgerCommand => {
  return { kind: 'update-account', accountId, changes, preconditions: [] };
};
const caller = (ownerId: string | null, may: Partial<Caller> = {}): Caller => {
  return { ...unboundCaller, ownerId, ...may };
};
const accounts = [
  accountWith(alice, 100n, settingsOf({ ownerId: 'alice' })),
  accountWith(bob, 0n, settingsOf({ ownerId: 'bob' })),
  accountWith(carol, 0n, settingsOf({ ownerId: 'bob' })),
];
const storyOf = (...commands: readonly LedgerCommand[]) => new LedgerStory(accounts).tell(...commands);
const hold = holdOf(txn, alice, bob, 100n, deadline);
const twoPostings: LedgerCommand = {
  kind: 'create-transaction',
  draft: draftOf(
    txn,
    [
      { sender: alice, recipient: bob, amount: 60n },
      { sender: alice, recipient: carol, amount: 40n },
    ],
    { hold: { expiresAt: deadline } },
  ),
};
const close: LedgerCommand = { kind: 'close-account', accountId: bob, preconditions: [] };
const frozen = changing(alice, { status: 'frozen' });

type Row = readonly [
  fact: string,
  story: () => LedgerStory,
  caller: Caller,
  command: LedgerCommand,
  refused: Refused,
];
const expectRefused = (
  _: string,
  story: () => LedgerStory,
  ...[who, command, refused]: [Caller, LedgerCommand, Refused]
) => expect(story().refusalOf(command, who)).toEqual(refused);

describe('a capture: each row mends the fault that the row before was refused for', () => {
  const tooMuch = captureOf(txn, first, 101n);
  it.each<Row>([
    [
      'a stranger captures too much of two postings that are voided, on accounts that are closed and frozen',
      () => storyOf(twoPostings, voidOf(txn), close, frozen),
      caller('carol'),
      tooMuch,
      ['transaction_not_found', null],
    ],
    [
      'it is the sender, who sees it',
      () => storyOf(twoPostings, voidOf(txn), close, frozen),
      caller('alice'),
      tooMuch,
      ['forbidden', null],
    ],
    [
      'it is the recipient',
      () => storyOf(twoPostings, voidOf(txn), close, frozen),
      caller('bob'),
      tooMuch,
      ['validation_error', 'amount'],
    ],
    [
      'it is one posting',
      () => storyOf(hold, voidOf(txn), close, frozen),
      caller('bob'),
      tooMuch,
      ['account_closed', null],
    ],
    [
      'no account is closed',
      () => storyOf(hold, voidOf(txn), frozen),
      caller('bob'),
      tooMuch,
      ['account_frozen', null],
    ],
    [
      'no account is frozen',
      () => storyOf(hold, voidOf(txn)),
      caller('bob'),
      tooMuch,
      ['transaction_not_pending', null],
    ],
    [
      'the hold is not voided, though it has ended',
      () => storyOf(hold).at(deadline),
      caller('bob'),
      tooMuch,
      ['transaction_not_pending', null],
    ],
    [
      'the hold has not ended',
      () => storyOf(hold).at(deadline - 1n),
      caller('bob'),
      tooMuch,
      ['amount_exceeds_remaining', 'amount'],
    ],
    ['it is not too much', () => storyOf(hold), caller('bob'), captureOf(txn, first, 100n), null],
  ])('%s', expectRefused);
});

describe('a void', () => {
  it.each<Row>([
    [
      'by a stranger',
      () => storyOf(hold, voidOf(txn)),
      caller('carol'),
      voidOf(txn),
      ['transaction_not_found', null],
    ],
    ['by the sender', () => storyOf(hold, voidOf(txn)), caller('alice'), voidOf(txn), ['forbidden', null]],
    [
      'of what is voided',
      () => storyOf(hold, voidOf(txn)),
      caller('bob'),
      voidOf(txn),
      ['transaction_not_pending', null],
    ],
    [
      'of what has ended',
      () => storyOf(hold).at(deadline),
      caller('bob'),
      voidOf(txn),
      ['transaction_not_pending', null],
    ],
    ['of an open hold, on a frozen account', () => storyOf(hold, frozen), caller('bob'), voidOf(txn), null],
  ])('%s', expectRefused);
});

describe('an extension', () => {
  const voided = () => storyOf(hold, voidOf(txn));
  const open = () => storyOf(hold, frozen);
  it.each<Row>([
    ['into the past', voided, caller('carol'), extensionOf(txn, stateNow), ['validation_error', 'expiresAt']],
    [
      'by a stranger',
      voided,
      caller('carol'),
      extensionOf(txn, deadline - 1n),
      ['transaction_not_found', null],
    ],
    ['by the sender', voided, caller('alice'), extensionOf(txn, deadline - 1n), ['forbidden', null]],
    ['by the recipient', voided, caller('bob'), extensionOf(txn, deadline - 1n), ['forbidden', null]],
    [
      'of what is voided',
      voided,
      unboundCaller,
      extensionOf(txn, deadline - 1n),
      ['transaction_not_pending', null],
    ],
    [
      'of what has ended',
      () => storyOf(hold).at(deadline),
      unboundCaller,
      extensionOf(txn, deadline + 1n),
      ['transaction_not_pending', null],
    ],
    [
      'to an earlier end',
      open,
      unboundCaller,
      extensionOf(txn, deadline - 1n),
      ['validation_error', 'expiresAt'],
    ],
    ['to the same end', open, unboundCaller, extensionOf(txn, deadline), null],
    ['to a later end, on a frozen account', open, unboundCaller, extensionOf(txn, deadline + 1n), null],
    [
      'of a hold that had no end',
      () => storyOf(holdOf(txn, alice, bob, 100n)),
      unboundCaller,
      extensionOf(txn, deadline),
      null,
    ],
    [
      'to the very moment at which it would be recorded',
      () => storyOf(holdOf(txn, alice, bob, 100n)).at(deadline),
      unboundCaller,
      extensionOf(txn, deadline),
      ['validation_error', 'expiresAt'],
    ],
    [
      'to the moment after it is recorded',
      () => storyOf(holdOf(txn, alice, bob, 100n)).at(deadline),
      unboundCaller,
      extensionOf(txn, deadline + 1n),
      null,
    ],
  ])('%s', expectRefused);
});

describe('an expiry, which the ledger asks for', () => {
  it.each<[string, () => LedgerStory, string | null]>([
    ['of nothing', () => storyOf(), 'the transaction is no open hold'],
    ['of a transfer', () => storyOf(moveOf(txn, alice, bob, 1n)), 'the transaction is no open hold'],
    ['of what is voided', () => storyOf(hold, voidOf(txn)).at(deadline), 'the transaction is no open hold'],
    [
      'of what has expired',
      () => storyOf(hold).at(deadline).tell(expiryOf(txn)),
      'the transaction is no open hold',
    ],
    ['of what has no end', () => storyOf(holdOf(txn, alice, bob, 1n)), 'the hold has time left'],
    ['before the end', () => storyOf(hold).at(deadline - 1n), 'the hold has time left'],
    [
      'at an end that has been put off',
      () => storyOf(hold, extensionOf(txn, deadline + 1n)).at(deadline),
      'the hold has time left',
    ],
    ['at the end, on a frozen account', () => storyOf(hold, frozen).at(deadline), null],
    ['long after the end', () => storyOf(hold).at(deadline + 10n ** 12n), null],
  ])('%s', (_, story, message) => {
    const decision = story().decide(expiryOf(txn));
    expect(decision.accepted ? null : decision.refusal).toEqual(
      message && { code: 'transaction_not_pending', message, path: null },
    );
  });
});

describe('a reversal: each row mends the fault that the row before was refused for', () => {
  const back = moveOf(second, bob, alice, 70n);
  const dollars = accountWith(nobody, 0n, settingsOf({ ownerId: 'bob' }));
  const severalCurrencies = new LedgerStory([...accounts, { ...dollars, currency: 'USD' }]).tell({
    kind: 'create-transaction',
    draft: draftOf(
      txn,
      [
        { sender: alice, recipient: bob, amount: 100n },
        { sender: 'ROOT', recipient: nobody, amount: 1n },
      ],
      {},
    ),
  });
  const transfer = moveOf(txn, alice, bob, 100n);
  const emptied = [moveOf(second, bob, alice, 100n), close];
  const tooMuch = reversalOf(txn, first, 101n);
  const reversed = reversalOf(txn, idOf(2, 8));
  it.each<Row>([
    [
      'a stranger reverses too much of several currencies',
      () => severalCurrencies,
      caller('carol'),
      tooMuch,
      ['transaction_not_found', null],
    ],
    ['it is the sender', () => severalCurrencies, caller('alice'), tooMuch, ['forbidden', null]],
    [
      'it is the recipient, who may not destroy money',
      () => severalCurrencies,
      caller('bob', { mayBurn: false }),
      tooMuch,
      ['forbidden', null],
    ],
    [
      'who may destroy it',
      () => severalCurrencies,
      caller('bob', { mayMint: false }),
      tooMuch,
      ['validation_error', 'amount'],
    ],
    [
      'it is one currency',
      () => storyOf(transfer, ...emptied, frozen),
      caller('bob'),
      tooMuch,
      ['account_closed', null],
    ],
    [
      'no account is closed',
      () => storyOf(transfer, reversed, frozen),
      caller('bob'),
      tooMuch,
      ['account_frozen', null],
    ],
    [
      'no account is frozen',
      () => storyOf(transfer, reversed),
      caller('bob'),
      tooMuch,
      ['already_reversed', null],
    ],
    [
      'it is not reversed',
      () => storyOf(transfer, back, changing(alice, { maxBalance: 0n })),
      caller('bob'),
      tooMuch,
      ['amount_exceeds_remaining', 'amount'],
    ],
    [
      'it is not too much',
      () => storyOf(transfer, back, changing(alice, { maxBalance: 0n })),
      caller('bob'),
      reversalOf(txn, first, 31n),
      ['insufficient_funds', 'amount'],
    ],
    [
      'the recipient has as much',
      () => storyOf(transfer, back, changing(alice, { maxBalance: 0n })),
      caller('bob'),
      reversalOf(txn, first, 30n),
      ['balance_limit_exceeded', 'amount'],
    ],
    [
      'the sender has room for it',
      () => storyOf(transfer, back, changing(alice, { maxBalance: 100n })),
      caller('bob'),
      reversalOf(txn, first, 30n),
      null,
    ],
  ])('%s', expectRefused);

  it('of a reversal is refused after a frozen account, and before all that is said of amounts', () => {
    const story = storyOf(transfer, reversalOf(txn, first));
    expect(story.refusalOf(reversalOf(first, second, 1_000n))).toEqual(['not_reversible', null]);
    story.tell(frozen);
    expect(story.refusalOf(reversalOf(first, second, 1_000n))).toEqual(['account_frozen', null]);
  });
});
