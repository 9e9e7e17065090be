import { accountWith, draftOf, idOf, stateOf } from '../../../test/support/ledger-fixtures.js';
import { decide, unboundCaller, type DomainEvent } from '#domain';
import { decodeEvent, encodeEventData, UnknownEventVersion, versionOf } from './event-codec.js';

const account = accountWith(idOf(1, 1), 10n ** 36n, {
  minBalance: -(10n ** 36n),
  maxBalance: null,
  externalId: 'x',
  metadata: { a: [1, { b: null }] },
  createdAt: 1_700_000_000_000_001n,
  updatedAt: 1_700_000_000_999_999n,
});

function postedEvent(): DomainEvent {
  const accounts = [account, accountWith(idOf(1, 2), 0n, { ownerId: 'o', visibility: 'public' })];
  const draft = draftOf(idOf(2, 1), [{ sender: accounts[0]!.id, recipient: accounts[1]!.id, amount: 7n }], {
    reference: 'é',
    metadata: { n: 1 },
  });
  const decision = decide({ kind: 'create-transaction', draft }, stateOf(accounts), unboundCaller);
  if (!decision.accepted) throw new Error('refused');
  return decision.events[0]!;
}

describe('the text of an event', () => {
  it.each<[DomainEvent['type'], DomainEvent]>([
    ['account.opened', { type: 'account.opened', account }],
    ['account.updated', { type: 'account.updated', account: { ...account, maxBalance: 0n } }],
    ['account.closed', { type: 'account.closed', account: { ...account, status: 'closed' } }],
    ['transaction.posted', postedEvent()],
  ])('%s comes back as it was', (type, event) => {
    expect(decodeEvent({ type, version: versionOf(type), dataText: encodeEventData(event) })).toEqual(event);
  });

  it('has amounts and times as strings', () => {
    const text = encodeEventData({ type: 'account.opened', account });
    expect(JSON.parse(text)).toMatchObject({
      account: {
        postedCredits: `1${'0'.repeat(36)}`,
        minBalance: `-1${'0'.repeat(36)}`,
        maxBalance: null,
        createdAt: '2023-11-14T22:13:20.000001Z',
        updatedAt: '2023-11-14T22:13:20.999999Z',
        version: 1,
      },
    });
    const { legs } = JSON.parse(encodeEventData(postedEvent())) as { legs: Record<string, unknown>[] };
    expect(legs[1]).toEqual({
      leg: 2,
      accountId: idOf(1, 2),
      system: null,
      ownerId: 'o',
      visibility: 'public',
      direction: 'credit',
      amount: '7',
      currency: 'EUR',
      posted: '7',
      pendingIn: '0',
      pendingOut: '0',
      available: '7',
      version: 2,
      entryNumber: 1,
    });
  });

  it('is null once erased', () => {
    expect(decodeEvent({ type: 'account.opened', version: 1, dataText: null })).toBeNull();
  });

  it.each([
    ['account.opened', 2],
    ['transaction.pending', 1],
    ['toString', 1],
  ])('of a type or version of a later release is refused: %s %i', (type, version) => {
    expect(() => decodeEvent({ type, version, dataText: '{}' })).toThrow(UnknownEventVersion);
    expect(() => decodeEvent({ type, version, dataText: null })).toThrow(UnknownEventVersion);
  });
});
