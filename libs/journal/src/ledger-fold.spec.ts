import { accountWith, draftOf, idOf, settingsOf, stateOf } from '../../../test/support/ledger-fixtures.js';
import { decide, unboundCaller, newAccount, type Account, type DomainEvent, type Leg } from '#domain';
import { chainHash, dataHash, genesisHash } from './event-chain.js';
import { encodeEventData, versionOf, type RecordedEvent } from './event-codec.js';
import { LedgerFold } from './ledger-fold.js';

const ledgerId = idOf(9, 1);
const [alice, bob] = [idOf(1, 1), idOf(1, 2)] as const;

/** A chain whose every hash is right: what somebody could write who can compute them, too. */
function chained(events: readonly DomainEvent[], erased: readonly number[] = []): RecordedEvent[] {
  let previous = genesisHash(ledgerId);
  return events.map((event, index) => {
    const dataText = encodeEventData(event);
    const dataSalt = Buffer.alloc(32, index);
    const fields = {
      ledgerId,
      epoch: 1,
      position: BigInt(index + 1),
      id: idOf(8, index),
      type: event.type,
      version: versionOf(event.type),
      transactionId: event.type === 'transaction.posted' ? event.transaction.transactionId : null,
      dataHash: dataHash(dataSalt, dataText),
      actor: 'key_test',
      idempotencyKey: null,
      requestHash: null,
      recordedAt: BigInt(1_000_000 + index),
      effectiveAt: BigInt(1_000_000 + index),
    };
    previous = chainHash(previous, fields);
    const isErased = erased.includes(index + 1);
    return {
      ...fields,
      dataText: isErased ? null : dataText,
      dataSalt: isErased ? null : dataSalt,
      hash: previous,
    };
  });
}

function firstDifference(events: readonly DomainEvent[], erased: readonly number[] = []) {
  const fold = new LedgerFold(ledgerId);
  for (const recorded of chained(events, erased)) {
    const difference = fold.add(recorded);
    if (difference) return [difference.subject, difference.position];
  }
  return null;
}

const opened = (id: string, changes: Partial<Account> = {}): DomainEvent => ({
  type: 'account.opened',
  account: { ...newAccount(id, null, 'EUR', settingsOf({ minBalance: null }), 1_000_000n), ...changes },
});

/** A transfer of 5 from Alice to Bob, whose accounts have seen `before` of them. */
function transfer(before: number, changeLeg: (leg: Leg) => Partial<Leg> = () => ({})): DomainEvent {
  const sofar = BigInt(before) * 5n;
  const life = { minBalance: null, version: 1 + before, entryNumber: before };
  const state = stateOf([accountWith(alice, -sofar, life), accountWith(bob, sofar, life)]);
  const draft = draftOf(idOf(2, before), [{ sender: alice, recipient: bob, amount: 5n }]);
  const decision = decide({ kind: 'create-transaction', draft }, state, unboundCaller);
  if (!decision.accepted || decision.events[0]?.type !== 'transaction.posted') throw new Error('refused');
  const { transaction } = decision.events[0];
  const legs = transaction.legs.map((leg) => ({ ...leg, ...changeLeg(leg) }));
  return { type: 'transaction.posted', transaction: { ...transaction, legs } };
}

const updated = (changes: Partial<Account>): DomainEvent => {
  const account = newAccount(bob, null, 'EUR', settingsOf({ minBalance: null }), 1_000_000n);
  return { type: 'account.updated', account: { ...account, version: 2, settingsVersion: 2, ...changes } };
};

const both = [opened(alice), opened(bob)];
const onFirst = (changes: Partial<Leg>) => (leg: Leg) => (leg.leg === 1 ? changes : {});

describe('a chain whose hashes are right', () => {
  it('and whose events follow from each other has no difference', () => {
    expect(
      firstDifference([...both, updated({}), transfer(0, (leg) => (leg.leg === 2 ? { version: 3 } : {}))]),
    ).toBeNull();
    expect(firstDifference([...both, transfer(0), transfer(1), transfer(2)])).toBeNull();
  });

  it.each<[string, DomainEvent[], string, bigint]>([
    ['an account opened twice', [...both, opened(bob)], 'account opened once', 3n],
    ['a change of no account', [opened(alice), updated({})], 'account exists', 2n],
    ['a change that skips a version', [...both, updated({ version: 3 })], 'version', 3n],
    [
      'a change that skips a settings version',
      [...both, updated({ settingsVersion: 3 })],
      'settings version',
      3n,
    ],
    [
      'a change that brings money',
      [...both, updated({ postedCredits: 1n })],
      'balances of an account event',
      3n,
    ],
    [
      'a change that brings turnover',
      [...both, updated({ postedCredits: 1n, postedDebits: 1n })],
      'balances of an account event',
      3n,
    ],
    ['a leg of no account', [opened(alice), transfer(0)], 'leg 2: account', 2n],
    ['a leg with another balance', [...both, transfer(0, onFirst({ posted: 0n }))], 'leg 1: balances', 3n],
    [
      'a leg with another available balance',
      [...both, transfer(0, onFirst({ available: 0n }))],
      'leg 1: balances',
      3n,
    ],
    [
      'a leg with another pending balance',
      [...both, transfer(0, onFirst({ pendingIn: 1n }))],
      'leg 1: balances',
      3n,
    ],
    ['a leg that skips a version', [...both, transfer(0, onFirst({ version: 3 }))], 'leg 1: version', 3n],
    [
      'a leg that skips an entry',
      [...both, transfer(0, onFirst({ entryNumber: 2 }))],
      'leg 1: entry number',
      3n,
    ],
    ['a leg twice', [...both, transfer(0), transfer(0)], 'leg 1: balances', 4n],
    ['a transaction left out', [...both, transfer(1)], 'leg 1: balances', 3n],
    [
      'one side that gets more than the other gives',
      [...both, transfer(0, (leg) => (leg.leg === 2 ? { amount: 6n, posted: 6n, available: 6n } : {}))],
      'sum of the legs in EUR',
      3n,
    ],
  ])('does not hide %s', (_, events, subject, position) => {
    expect(firstDifference(events)).toEqual([subject, position]);
  });
});

describe('after an erased event', () => {
  it('what it did is taken from the next event that tells', () => {
    expect(firstDifference([...both, transfer(0), transfer(1), transfer(2)], [3])).toBeNull();
    expect(firstDifference([...both, transfer(0), transfer(1), transfer(2)], [1, 3])).toBeNull();
  });

  it('what follows from what is known is checked again', () => {
    const wrong = transfer(2, onFirst({ posted: 0n }));
    expect(firstDifference([...both, transfer(0), transfer(1), wrong], [3])).toEqual(['leg 1: balances', 5n]);
    const unbalanced = transfer(1, (leg) => (leg.leg === 2 ? { amount: 6n } : {}));
    expect(firstDifference([...both, transfer(0), unbalanced], [3])).toEqual(['sum of the legs in EUR', 4n]);
  });

  it('an account that it cannot have touched is checked as ever', () => {
    const twice = [...both, transfer(0), transfer(0)];
    expect(firstDifference([...twice, transfer(1)], [1])).toEqual(['leg 2: balances', 4n]);
  });
});
