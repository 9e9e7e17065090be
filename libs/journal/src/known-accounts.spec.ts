import { Counter, Registry } from 'prom-client';
import { accountWith, idOf } from '../../../test/support/ledger-fixtures.js';
import { KnownAccounts, type HeadMark } from './known-accounts.js';

const accountOf = (number: number) => accountWith(idOf(1, number), BigInt(number));
const numbersTo = (count: number, from = 1) => Array.from({ length: count }, (_, n) => from + n);

function memoryOf(accountsMax: number): KnownAccounts {
  const labelNames = ['source'] as const;
  return new KnownAccounts(
    accountsMax,
    new Counter({ name: 'gathered', help: '-', labelNames, registers: [new Registry()] }),
  );
}

const mark = (writtenBy: number, hash = writtenBy): HeadMark => ({
  writtenBy: String(writtenBy),
  hash: Buffer.from([hash]),
});

/** Of a ledger that nobody else writes to. */
function believe(memory: KnownAccounts, ledgerId: string, numbers: readonly number[]): void {
  for (const number of numbers) {
    memory.remember(ledgerId, mark(number), [accountOf(number)]);
    memory.recognise(ledgerId, mark(number));
  }
}

const known = (memory: KnownAccounts, ledgerId: string) => [...(memory.of(ledgerId)?.keys() ?? [])];

it('is believed once the head was found four times as it was left', () => {
  const memory = memoryOf(100);
  const isBelieved = numbersTo(5).map((number) => {
    memory.remember('a', mark(number), [accountOf(number)]);
    expect(memory.recognise('a', mark(number))).toBe(true);
    return memory.of('a') !== null;
  });
  expect(isBelieved).toEqual([false, false, false, true, true]);
});

it.each<[what: string, found: HeadMark]>([
  ['another transaction wrote the head', mark(10, 9)],
  ['its last event is another', mark(9, 10)],
])('is forgotten, and believed no sooner than at first, where %s', (_what, found) => {
  const memory = memoryOf(100);
  believe(memory, 'a', numbersTo(9));
  expect(memory.recognise('a', found)).toBe(false);
  expect(memory.recognise('a', mark(9))).toBe(false);
  believe(memory, 'a', numbersTo(3));
  expect(memory.of('a')).toBeNull();
  believe(memory, 'a', [4]);
  expect(known(memory, 'a')).toEqual(numbersTo(4).map((number) => accountOf(number).id));
});

it('what a later batch has left counts', () => {
  const memory = memoryOf(100);
  believe(memory, 'a', numbersTo(4));
  memory.remember('a', mark(5), [accountOf(1), { ...accountOf(1), version: 7 }]);
  expect(memory.of('a')!.get(accountOf(1).id)).toMatchObject({ version: 7 });
});

it('the ledger that was written to least recently loses its oldest accounts first', () => {
  const memory = memoryOf(10);
  believe(memory, 'a', numbersTo(5));
  believe(memory, 'b', numbersTo(5));
  believe(memory, 'a', [6]);
  expect(known(memory, 'a')).toHaveLength(6);
  expect(known(memory, 'b')).toEqual(numbersTo(4, 2).map((number) => accountOf(number).id));
  memory.remember('a', mark(7), numbersTo(30).map(accountOf));
  expect(memory.of('b')).toBeNull();
  expect(known(memory, 'a')).toEqual(numbersTo(10, 21).map((number) => accountOf(number).id));
});

it('forgetting makes room', () => {
  const memory = memoryOf(10);
  believe(memory, 'a', numbersTo(10));
  expect(memory.recognise('a', mark(99))).toBe(false);
  believe(memory, 'b', numbersTo(10));
  expect(known(memory, 'b')).toHaveLength(10);
});
