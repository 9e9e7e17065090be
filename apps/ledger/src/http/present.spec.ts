import { accountWith, draftOf, idOf, rootWith, stateOf } from '../../../../test/support/ledger-fixtures.js';
import {
  renderStreamEvent,
  renderTopicMessages,
  webhookBodyOf,
  type JournalRecord,
  type Reader,
} from '#contracts';
import {
  decide,
  evolve,
  isAccountEvent,
  isTransactionEvent,
  unboundCaller,
  visibilities,
  type DomainEvent,
  type LedgerCommand,
  type Visibility,
} from '#domain';
import { encodeEventData, versionOf, type RecordedEvent } from '#journal';
import { settingAnswer, transactionAnswer } from './answer-write.js';
import { present } from './present.js';

const recordedAt = 1_769_850_927_482_913n;
const amount = 9_007_199_254_740_993n;

/** What a command makes of two accounts, one of which is alice's. */
interface Case {
  readonly owner: string | null;
  readonly visibility: Visibility;
  readonly withRoot: boolean;
}

const cases: Case[] = ['alice', 'bob', null].flatMap((owner) =>
  visibilities.flatMap((visibility) => [false, true].map((withRoot) => ({ owner, visibility, withRoot }))),
);

function postedBetween({ owner, visibility, withRoot }: Case): DomainEvent {
  const money = 10n ** 30n;
  const alice = accountWith(idOf(1, 1), money, { ownerId: 'alice', minBalance: 7n });
  const other = accountWith(idOf(1, 2), money, { ownerId: owner, visibility, minBalance: null });
  const postings = [
    { sender: alice.id, recipient: other.id, amount },
    ...(withRoot ? [{ sender: 'ROOT', recipient: alice.id, amount: 1n }] : []),
  ];
  const changes = { reference: 'Kaffee ☕', externalId: 'x', metadata: { b: [1.5, null], a: { é: true } } };
  const draft = draftOf(idOf(2, 1), postings, changes);
  const decision = decide(
    { kind: 'create-transaction', draft },
    stateOf([alice, other, rootWith(-money)]),
    unboundCaller,
  );
  if (!decision.accepted) throw new Error(decision.refusal.message);
  return decision.events[0]!;
}

function opened({ owner, visibility, withRoot }: Case): DomainEvent {
  const changes = {
    ownerId: owner,
    visibility,
    minBalance: -amount,
    maxBalance: 10n ** 35n,
    updatedAt: recordedAt,
  };
  const account = withRoot ? rootWith(-amount) : accountWith(idOf(1, 2), amount, changes);
  return { type: 'account.opened', account };
}

/** A life: a hold that is captured in part, given back in part, and voided. */
function lifeOf(each: Case): DomainEvent[] {
  const money = 10n ** 30n;
  const alice = accountWith(idOf(1, 1), money, { ownerId: 'alice', minBalance: 7n });
  const other = accountWith(idOf(1, 2), money, { ownerId: each.owner, visibility: each.visibility });
  const state = stateOf([alice, other]);
  const hold = { hold: { expiresAt: 3_000_000n } };
  const draft = draftOf(idOf(2, 1), [{ sender: alice.id, recipient: other.id, amount }], hold);
  const [transactionId, captureId, reversalId] = [idOf(2, 1), idOf(2, 2), idOf(2, 3)];
  const commands: LedgerCommand[] = [
    { kind: 'create-transaction', draft },
    { kind: 'extend-hold', transactionId, expiresAt: 4_000_000n },
    { kind: 'capture-hold', transactionId, captureId, amount: 100n, isFinal: false },
    { kind: 'reverse-transaction', transactionId: captureId, reversalId, amount: 40n, reason: 'half of it' },
    { kind: 'void-hold', transactionId },
  ];
  return commands.flatMap((command) => {
    const decision = decide(command, state, unboundCaller);
    if (!decision.accepted) throw new Error(`${command.kind}: ${decision.refusal.message}`);
    for (const event of decision.events) evolve(state, event);
    return decision.events;
  });
}

const settings: readonly DomainEvent[] = [
  { type: 'exchange-rate.set', from: 'EUR', to: 'USD', rate: '1.0837' },
  { type: 'currency.added', code: 'MILES', exponent: 0, name: 'Bonus miles' },
  { type: 'period.closed', through: '2025-12-31', closedBefore: 1_767_225_600_000_000n },
];

/** What the answer to the request shows that made the event. */
function answerTo(event: DomainEvent, reader: Reader) {
  const events = [{ position: 17n, recordedAt, transactionId: null, event }];
  if (isAccountEvent(event)) return present({ kind: 'account', account: event.account }, reader);
  return (isTransactionEvent(event) ? transactionAnswer(events, reader) : settingAnswer(events, reader)).data;
}

function recorded(event: DomainEvent): RecordedEvent {
  return {
    ledgerId: idOf(9, 1),
    epoch: 1,
    position: 17n,
    id: idOf(8, 1),
    type: event.type,
    version: versionOf(event),
    transactionId: isTransactionEvent(event) ? event.transaction.transactionId : null,
    dataText: encodeEventData(event),
    dataSalt: Buffer.alloc(32, 1),
    dataHash: Buffer.alloc(32, 2),
    actor: 'key_x',
    idempotencyKey: null,
    requestHash: null,
    recordedAt,
    effectiveAt: recordedAt,
    hash: Buffer.alloc(32, 3),
  };
}

/** The same as the stream reads it from the journal. */
function journalRecord({
  ledgerId,
  epoch,
  id,
  type,
  version,
  transactionId,
  dataText,
}: RecordedEvent): JournalRecord {
  return {
    ...{ ledgerId, epoch, id, type, version, transactionId, dataText },
    position: '17',
    recordedAt: '2026-01-31T09:15:27.482913Z',
    hash: '03'.repeat(32),
  };
}

describe.each([null, 'alice', 'bob', 'carol'])('one resource, to the reader %s', (ownerId) => {
  const reader = { ownerId };

  it.each(cases)(
    'is the same in answers, the event feed and webhooks: $owner $visibility $withRoot',
    (each) => {
      for (const event of [postedBetween(each), opened(each), ...lifeOf(each)]) {
        const inJournal = recorded(event);
        const answer = JSON.stringify(answerTo(event, reader));
        const fed = present({ kind: 'event', recorded: inJournal }, reader)['data'];
        const sent = webhookBodyOf(renderStreamEvent(journalRecord(inJournal)), reader).data;

        // To the byte: the order of fields counts too.
        expect(JSON.stringify(fed)).toBe(answer);
        expect(JSON.stringify(sent)).toBe(answer);
      }
    },
  );
});

test('a setting of the ledger is the same everywhere to readers bound to no owner, and hidden from others', () => {
  for (const event of settings) {
    const inJournal = recorded(event);
    const everybody = { ownerId: null };
    const answer = answerTo(event, everybody);
    const { data } = renderStreamEvent(journalRecord(inJournal));
    expect(data).toEqual(answer);
    expect(present({ kind: 'event', recorded: inJournal }, everybody)['data']).toEqual(answer);
    expect(present({ kind: 'event', recorded: inJournal }, { ownerId: 'alice' })['data']).toBeNull();
  }
});

test('what is published is what is fed to a reader bound to no owner', () => {
  for (const event of [
    ...cases.flatMap((each) => [postedBetween(each), opened(each), ...lifeOf(each)]),
    ...settings,
  ]) {
    const inJournal = recorded(event);
    const fed = present({ kind: 'event', recorded: inJournal }, { ownerId: null });
    const [message] = renderTopicMessages(journalRecord(inJournal));
    const { version, ...common } = JSON.parse(message!.value) as Record<string, unknown>;
    expect(version).toBe(1);
    expect(common).toMatchObject({
      id: fed['id'],
      type: fed['type'],
      ledgerId: fed['ledgerId'],
      epoch: fed['epoch'],
      position: fed['position'],
      occurredAt: fed['recordedAt'],
      data: JSON.parse(JSON.stringify(fed['data'])) as unknown,
    });
    expect(message!.headers.ce_hash).toBe(fed['hash']);
  }
});

test('amounts and balances of any size are shown to the last digit', () => {
  const everybody = { ownerId: null };
  const money = { minBalance: -amount, maxBalance: 3n * amount, pendingDebits: 2n, pendingCredits: amount };
  const account = accountWith(idOf(1, 1), amount, money);
  const balances = {
    posted: '9007199254740993',
    available: '18014398509481984',
    pendingIn: '9007199254740993',
    pendingOut: '2',
  };
  expect(present({ kind: 'account', account }, everybody)).toMatchObject({
    balance: balances,
    minBalance: '-9007199254740993',
    maxBalance: '27021597764222979',
  });
  expect(present({ kind: 'balance', account, position: 17n, asOf: recordedAt }, everybody)).toMatchObject(
    balances,
  );
  const balance = { account, posted: -amount, position: 17n, asOf: recordedAt };
  expect(present({ kind: 'balance-at', balance }, everybody)).toMatchObject({ posted: '-9007199254740993' });
  const entry = {
    position: 17n,
    leg: 1,
    eventId: idOf(8, 1),
    transactionId: idOf(2, 1),
    direction: 'debit',
    amount,
    balanceAfter: -amount,
    entryNumber: 1,
    counterparty: { accountId: idOf(1, 2), system: null, ownerId: null, visibility: 'private' },
    reference: null,
    recordedAt,
  } as const;
  expect(present({ kind: 'entry', entry }, everybody)).toMatchObject({
    amount: '9007199254740993',
    balanceAfter: '-9007199254740993',
  });
});

test('an event shows to an owner neither who asked for it nor the text that its hash covers', () => {
  const event = recorded(postedBetween({ owner: 'bob', visibility: 'private', withRoot: false }));
  const asked = { ...event, idempotencyKey: 'order-1', requestHash: Buffer.alloc(32, 4) };
  const shown = (ownerId: string | null) => {
    const { actor, idempotencyKey, requestHash, dataText, dataSalt } = present(
      { kind: 'event', recorded: asked },
      { ownerId },
    );
    return [actor, idempotencyKey, requestHash, dataText, dataSalt];
  };
  expect(shown(null)).toEqual(['key_x', 'order-1', '04'.repeat(32), event.dataText, '01'.repeat(32)]);
  expect(shown('alice')).toEqual([null, null, null, null, null]);
});
