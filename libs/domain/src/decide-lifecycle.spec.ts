import {
  accountWith,
  captureOf,
  expiryOf,
  extensionOf,
  holdOf,
  idOf,
  moveOf,
  reversalOf,
  stateNow,
  voidOf,
} from '../../../test/support/ledger-fixtures.js';
import { LedgerStory } from '../../../test/support/ledger-story.js';
import type { LedgerCommand } from './commands.js';
import type { RefusalCode } from './refusals.js';

const [alice, bob] = [idOf(1, 1), idOf(1, 2)] as const;
/** The transaction that is asked for, and those that it has got. */
const [txn, first, second, third] = [idOf(2, 1), idOf(2, 2), idOf(2, 3), idOf(2, 4)] as const;
const deadline = stateNow + 1_000n;

const hold = holdOf(txn, alice, bob, 100n, deadline);
const transfer = moveOf(txn, alice, bob, 100n);

const commands = {
  'capture all': captureOf(txn, third),
  'capture 10': captureOf(txn, third, 10n),
  void: voidOf(txn),
  expire: expiryOf(txn),
  extend: extensionOf(txn, deadline + 5_000n),
  'reverse all': reversalOf(txn, third),
  'reverse 10': reversalOf(txn, third, 10n),
} satisfies Record<string, LedgerCommand>;
type Verb = keyof typeof commands;

interface Life {
  readonly lived: readonly LedgerCommand[];
  /** Whether the clock stands at the end of the hold by then. */
  readonly isOverdue?: boolean;
  readonly expired?: boolean;
}

/** Commands that are refused, by code; all others are accepted. */
type Refused = Partial<Record<Verb, RefusalCode>>;

const noHold = {
  'capture all': 'transaction_not_pending',
  'capture 10': 'transaction_not_pending',
  void: 'transaction_not_pending',
  expire: 'transaction_not_pending',
  extend: 'transaction_not_pending',
} as const satisfies Refused;
const reversedAll = { 'reverse all': 'already_reversed', 'reverse 10': 'already_reversed' } as const;
const irreversible = { 'reverse all': 'not_reversible', 'reverse 10': 'not_reversible' } as const;
const early = { expire: 'transaction_not_pending' } as const;
const tooLate = {
  'capture all': 'transaction_not_pending',
  'capture 10': 'transaction_not_pending',
  void: 'transaction_not_pending',
  extend: 'transaction_not_pending',
} as const;
const tooMuch = 'amount_exceeds_remaining';

const lives: readonly (readonly [name: string, life: Life, refused: Refused])[] = [
  ['a transfer', { lived: [transfer] }, noHold],
  ['a transfer, in part reversed', { lived: [transfer, reversalOf(txn, first, 60n)] }, noHold],
  [
    'a transfer, reversed but for 9',
    { lived: [transfer, reversalOf(txn, first, 91n)] },
    { ...noHold, 'reverse 10': tooMuch },
  ],
  ['a transfer, reversed', { lived: [transfer, reversalOf(txn, first)] }, { ...noHold, ...reversedAll }],
  [
    'a transfer, reversed in parts',
    { lived: [transfer, reversalOf(txn, first, 60n), reversalOf(txn, second, 40n)] },
    { ...noHold, ...reversedAll },
  ],
  [
    'a reversal',
    { lived: [moveOf(first, alice, bob, 100n), reversalOf(first, txn)] },
    { ...noHold, ...irreversible },
  ],
  ['a hold', { lived: [hold] }, { ...early, ...irreversible }],
  ['a hold without an end', { lived: [holdOf(txn, alice, bob, 100n)] }, { ...early, ...irreversible }],
  ['a hold at its end', { lived: [hold], isOverdue: true }, { ...tooLate, ...irreversible }],
  [
    'a hold that was extended, at its first end',
    { lived: [hold, extensionOf(txn, deadline + 5n)], isOverdue: true },
    { ...early, ...irreversible },
  ],
  ['a hold, voided', { lived: [hold, voidOf(txn)] }, { ...noHold, ...irreversible }],
  ['a hold, expired', { lived: [hold], expired: true }, { ...noHold, ...irreversible }],
  ['a hold, captured', { lived: [hold, captureOf(txn, first)] }, noHold],
  [
    'a hold, captured in parts',
    { lived: [hold, captureOf(txn, first, 30n), captureOf(txn, second, 70n)] },
    noHold,
  ],
  ['a hold, in part captured', { lived: [hold, captureOf(txn, first, 40n)] }, early],
  [
    'a hold, captured but for 9',
    { lived: [hold, captureOf(txn, first, 91n)] },
    { ...early, 'capture 10': tooMuch },
  ],
  [
    'a hold, 9 of it captured',
    { lived: [hold, captureOf(txn, first, 9n)] },
    { ...early, 'reverse 10': tooMuch },
  ],
  [
    'a hold, in part captured, at its end',
    { lived: [hold, captureOf(txn, first, 40n)], isOverdue: true },
    tooLate,
  ],
  [
    'a hold, in part captured, the rest released',
    { lived: [hold, captureOf(txn, first, 40n, true)] },
    noHold,
  ],
  [
    'a hold, in part captured, then voided',
    { lived: [hold, captureOf(txn, first, 40n), voidOf(txn)] },
    noHold,
  ],
  [
    'a hold, in part captured, then expired',
    { lived: [hold, captureOf(txn, first, 40n)], expired: true },
    noHold,
  ],
  [
    'a hold, in part captured, all of that reversed',
    { lived: [hold, captureOf(txn, first, 40n), reversalOf(txn, second)] },
    { ...early, ...reversedAll },
  ],
  [
    'a hold, in part captured, all of that reversed, captured again',
    {
      lived: [hold, captureOf(txn, first, 40n), reversalOf(txn, idOf(2, 9)), captureOf(txn, second, 40n)],
    },
    early,
  ],
  [
    'a hold, captured, its capture reversed',
    { lived: [hold, captureOf(txn, first), reversalOf(first, second)] },
    { ...noHold, ...reversedAll },
  ],
  [
    'a hold, captured, its capture reversed but for 9',
    { lived: [hold, captureOf(txn, first), reversalOf(first, second, 91n)] },
    { ...noHold, 'reverse 10': tooMuch },
  ],
  ['a capture', { lived: [holdOf(first, alice, bob, 100n), captureOf(first, txn)] }, noHold],
  [
    'a capture whose hold is reversed',
    { lived: [holdOf(first, alice, bob, 100n), captureOf(first, txn), reversalOf(first, second)] },
    { ...noHold, ...reversedAll },
  ],
  [
    'a capture whose hold is reversed but for 9',
    { lived: [holdOf(first, alice, bob, 100n), captureOf(first, txn), reversalOf(first, second, 91n)] },
    { ...noHold, 'reverse 10': tooMuch },
  ],
  [
    'a capture of 9 among others',
    { lived: [holdOf(first, alice, bob, 100n), captureOf(first, second, 50n), captureOf(first, txn, 9n)] },
    { ...noHold, 'reverse 10': tooMuch },
  ],
];

function storyOf({ lived, isOverdue = false, expired = false }: Life): LedgerStory {
  const story = new LedgerStory([accountWith(alice, 100n), accountWith(bob, 0n)]).tell(...lived);
  if (isOverdue || expired) story.at(deadline);
  return expired ? story.tell(expiryOf(txn)) : story;
}

const allowed = Object.fromEntries(Object.keys(commands).map((verb) => [verb, null]));

describe('what may follow what', () => {
  const answersOf = (story: LedgerStory) =>
    Object.fromEntries(
      Object.entries(commands).map(([verb, command]) => [verb, story.refusalOf(command)?.[0] ?? null]),
    );

  it.each(lives)('%s', (_, life, refused) => {
    expect(answersOf(storyOf(life))).toEqual({ ...allowed, ...refused });
  });

  it.each(lives)('%s, gathered by the next batch', (_, life, refused) => {
    const story = storyOf(life);
    expect(answersOf(story.at(story.nextRecordedAt))).toEqual({ ...allowed, ...refused });
  });

  const frozen = (accountId: string): LedgerCommand => ({
    kind: 'update-account',
    accountId,
    changes: { status: 'frozen' },
    preconditions: [],
  });
  /** What moves money stops at a frozen account, before the transaction's own state is told; what releases it goes on. */
  const stopped = {
    'capture all': 'account_frozen',
    'capture 10': 'account_frozen',
    'reverse all': 'account_frozen',
    'reverse 10': 'account_frozen',
  } as const;

  it.each(lives)('%s, where its recipient is frozen', (_, life, refused) => {
    expect(answersOf(storyOf(life).tell(frozen(bob)))).toEqual({ ...allowed, ...refused, ...stopped });
  });

  it.each(lives)('%s, where its sender is frozen', (_, life, refused) => {
    expect(answersOf(storyOf(life).tell(frozen(alice)))).toEqual({ ...allowed, ...refused, ...stopped });
  });
});

describe('a transaction that does not exist', () => {
  it.each(Object.entries(commands))('%s', (verb, command) => {
    const story = new LedgerStory([accountWith(alice, 100n), accountWith(bob, 0n)]);
    const code = verb === 'expire' ? 'transaction_not_pending' : 'transaction_not_found';
    expect(story.refusalOf(command)).toEqual([code, null]);
  });
});

describe('an end and a capture at the same moment', () => {
  /** The clock of the next event, against the end of the hold. */
  it.each([
    ['one microsecond before', -1n, null, 'transaction_not_pending'],
    ['at the end itself', 0n, 'transaction_not_pending', null],
    ['one microsecond after', 1n, 'transaction_not_pending', null],
  ] as const)('%s', (_, offset, capture, expiry) => {
    const story = new LedgerStory([accountWith(alice, 100n), accountWith(bob, 0n)]).tell(hold);
    story.at(deadline + offset);
    expect(story.refusalOf(captureOf(txn, first))?.[0] ?? null).toBe(capture);
    expect(story.refusalOf(voidOf(txn))?.[0] ?? null).toBe(capture);
    expect(story.refusalOf(expiryOf(txn))?.[0] ?? null).toBe(expiry);
  });

  it('within one batch each event has its own moment, so that one command more can be one too late', () => {
    const story = new LedgerStory([accountWith(alice, 100n), accountWith(bob, 0n)]).tell(hold);
    story.at(deadline - 2n).tell(captureOf(txn, first, 10n), captureOf(txn, second, 10n));
    expect(story.nextRecordedAt).toBe(deadline);
    expect(story.refusalOf(captureOf(txn, third, 10n))?.[0]).toBe('transaction_not_pending');
    story.tell(expiryOf(txn));
    expect(story.transaction(txn).progress).toMatchObject({
      status: 'expired',
      captured: [20n],
      captures: 2,
    });
  });

  it('whoever is first decides for all others', () => {
    for (const winner of [captureOf(txn, first), voidOf(txn)]) {
      const story = new LedgerStory([accountWith(alice, 100n), accountWith(bob, 0n)]).tell(hold);
      story.at(deadline - 1n).tell(winner);
      expect(
        [captureOf(txn, second), voidOf(txn), expiryOf(txn)].map((one) => story.refusalOf(one)?.[0]),
      ).toEqual(Array(3).fill('transaction_not_pending'));
    }
  });
});

describe('at most 1,000 captures and reversals', () => {
  const followers = (count: number, one: (n: number) => LedgerCommand) =>
    Array.from({ length: count }, (_, n) => one(n));
  const rich = () => new LedgerStory([accountWith(alice, 2_000n), accountWith(bob, 0n)]);

  it('of a transfer: the reversal after them is refused, though there is money left', () => {
    const story = rich().tell(
      moveOf(txn, alice, bob, 2_000n),
      ...followers(999, (n) => reversalOf(txn, idOf(3, n), 1n)),
    );
    expect(story.refusalOf(reversalOf(txn, first, 1n))).toBeNull();
    story.tell(reversalOf(txn, first, 1n));
    expect(story.refusalOf(reversalOf(txn, second, 1n))).toEqual(['not_reversible', null]);
    expect(story.refusalOf(reversalOf(txn, second))).toEqual(['not_reversible', null]);
  });

  it('of a hold, captures and reversals together, its captures counted: it can still be voided', () => {
    const story = rich().tell(
      holdOf(txn, alice, bob, 2_000n),
      ...followers(600, (n) => captureOf(txn, idOf(3, n), 1n)),
      ...followers(200, (n) => reversalOf(txn, idOf(4, n), 1n)),
      ...followers(199, (n) => reversalOf(idOf(3, n), idOf(5, n), 1n)),
    );
    expect(story.refusalOf(captureOf(txn, first, 1n))).toBeNull();
    expect(story.refusalOf(reversalOf(txn, first, 1n))).toBeNull();
    story.tell(captureOf(txn, first, 1n));
    expect(story.refusalOf(captureOf(txn, second, 1n))).toEqual(['transaction_not_pending', null]);
    expect(story.refusalOf(captureOf(txn, second))).toEqual(['transaction_not_pending', null]);
    expect(story.refusalOf(reversalOf(txn, second, 1n))).toEqual(['not_reversible', null]);
    expect(story.refusalOf(reversalOf(first, second, 1n))).toEqual(['not_reversible', null]);
    expect(story.refusalOf(voidOf(txn))).toBeNull();
  });
});
