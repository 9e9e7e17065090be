import { messageBytesMax, renderTopicMessages } from '#contracts';
import type { DomainEvent, Leg, Progress, Transaction, TransactionEvent } from '#domain';
import { encodeEventData, isTooLarge } from '#journal';
import { recordOf, uuid } from '../../../../test/support/journal-records.js';

/** The journal estimates what the contracts render, of which it knows nothing. Here both are held together. */
const most = 10n ** 36n - 1n;

interface Shape {
  /** As they were asked for. */
  readonly postings: number;
  readonly isExchange: boolean;
  readonly ownerId: string;
  /** Whether amounts, balances and numbers have the most digits that they can have, or one. */
  readonly areLong: boolean;
}

function transactionOf({ postings, isExchange, ownerId, areLong }: Shape): Transaction {
  const amount = areLong ? most : 1n;
  const number = areLong ? Number.MAX_SAFE_INTEGER : 1;
  const legOf = (index: number): Leg => {
    // Of an exchange's four, the two in the middle.
    const system = isExchange && (index % 4 === 1 || index % 4 === 2) ? 'EXCHANGE' : null;
    return {
      leg: index + 1,
      accountId: uuid(system === null ? index : 1_000_000 + (index % 4)),
      system,
      ownerId: system === null ? ownerId : null,
      visibility: 'unlisted',
      direction: index % 2 === 0 ? 'debit' : 'credit',
      amount,
      currency: 'X'.repeat(32),
      posted: -amount,
      pendingIn: amount,
      pendingOut: amount,
      available: -amount,
      version: number,
      entryNumber: number,
    };
  };
  return {
    transactionId: uuid(0x7a),
    type: isExchange ? 'exchange' : 'transfer',
    reference: 'r'.repeat(256),
    externalId: 'x'.repeat(256),
    metadata: { m: 'm'.repeat(4_000) },
    legs: Array.from({ length: postings * (isExchange ? 4 : 2) }, (_, index) => legOf(index)),
    ...(isExchange
      ? {
          exchanges: Array.from({ length: postings }, (_, n) => ({
            posting: 2 * n,
            rate: '0.123456789012345678',
          })),
        }
      : {}),
  };
}

function progressOf({ legs }: Transaction, status: Progress['status']): Progress {
  const amounts = Array.from({ length: legs.length / 2 }, () => most);
  return {
    ...{ status, expiresAt: 1_770_458_400_000_000n, captured: amounts, captures: 1, reversed: amounts },
    reversals: [],
  };
}

/** A hold, and what may follow when everything on its accounts has become long. */
const pending = (shape: Shape): TransactionEvent => {
  const transaction = transactionOf(shape);
  return { type: 'transaction.pending', transaction, progress: progressOf(transaction, 'pending') };
};
const captured = (shape: Shape): TransactionEvent => {
  const transaction = { ...transactionOf({ ...shape, areLong: true }), parentId: uuid(0xb0) };
  const progress = progressOf(transaction, 'posted');
  return {
    type: 'transaction.captured',
    transaction,
    progressed: [{ transactionId: uuid(0xb0), progress }],
  };
};
const voided = (shape: Shape): TransactionEvent => {
  const transaction = transactionOf({ ...shape, areLong: true });
  const progress = progressOf(transaction, 'voided');
  return {
    type: 'transaction.voided',
    transaction: { ...transaction, held: progress.captured },
    progress,
  };
};
const posted = (shape: Shape): TransactionEvent => ({
  type: 'transaction.posted',
  transaction: transactionOf(shape),
});

const isAccepted = (event: DomainEvent) => !isTooLarge(event, encodeEventData(event));

function largestMessage(event: TransactionEvent): number {
  const record = recordOf(event.type, {}, { epoch: 2 ** 31 - 1, position: '9'.repeat(18) });
  const messages = renderTopicMessages({ ...record, dataText: encodeEventData(event) });
  return Math.max(...messages.map(({ value }) => Buffer.byteLength(value)));
}

/** Owners' ids of one to four bytes a character, and of characters that are escaped as six. */
const characters = ['o', 'ö', '語', '💶', '\u0001'];
const shapes: Shape[] = [1, 30, 100].flatMap((postings) =>
  [false, true].flatMap((isExchange) =>
    [false, true].flatMap((areLong) =>
      characters.flatMap((character) =>
        [1, 128, 256].map((length) => ({
          ...{ postings, isExchange, areLong },
          ownerId: character.repeat(length),
        })),
      ),
    ),
  ),
);

describe('what the journal takes', () => {
  it.each<[string, (shape: Shape) => TransactionEvent, ((shape: Shape) => TransactionEvent)[]]>([
    ['a transaction', posted, [posted]],
    ['a hold', pending, [pending, captured, voided]],
  ])('makes no message above the limit: %s, and what follows from it', (_, first, all) => {
    const accepted = shapes.filter((shape) => isAccepted(first(shape)));
    const sizes = accepted.flatMap((shape) => all.map((event) => largestMessage(event(shape))));
    expect(Math.max(...sizes)).toBeLessThan(messageBytesMax);
    expect(accepted.length).toBeLessThan(shapes.length);
  });

  it('is not refused while its message is far from it', () => {
    const refused = shapes.filter((shape) => !isAccepted(posted(shape)));
    const sizes = refused.map((shape) => largestMessage(posted(shape)));
    expect(Math.min(...sizes)).toBeGreaterThan(0.9 * messageBytesMax);
  });
});
