/** Of the ledger as a whole: rates, own currencies, closed periods. */
import type { Books, CurrencyRecord } from './books.js';
import { fieldsOf, isCurrencyCode, isRate, textOf } from './bodies.js';
import type { Asked } from './callers.js';
import type { Journal } from './journal.js';
import { refuse, refuseIf } from './refusals.js';
import { isDay, readClosedBefore } from './times.js';
import { exponentOf } from './transactions.js';

export function setRate(books: Books, journal: Journal, from: string, to: string, body: unknown) {
  refuseIf(!isCurrencyCode(from) || !isCurrencyCode(to), 'not_found');
  const { rate } = fieldsOf(body, ['rate']);
  if (!isRate(rate)) return refuse('validation_error');
  refuseIf(exponentOf(books, from) === undefined, 'unknown_currency');
  refuseIf(exponentOf(books, to) === undefined, 'unknown_currency');
  refuseIf(from === to, 'currency_mismatch');
  const { recordedAt } = journal.next('exchange-rate.set');
  const record = { from, to, rate, position: books.head + 1, setAt: recordedAt };
  books.set(books.rates, `${from}/${to}`, record);
  books.advance(recordedAt, []);
  const data = { ...record, position: String(record.position) };
  journal.write({
    type: 'exchange-rate.set',
    transactionId: null,
    data,
    effectiveAt: recordedAt,
    key: null,
  });
  return data;
}

type CurrencyDraft = Omit<CurrencyRecord, 'createdAt'>;

export function currencyDraft(body: unknown): CurrencyDraft {
  const fields = fieldsOf(body, ['code', 'exponent', 'name']);
  const { code, exponent } = fields;
  const name = textOf(fields['name']);
  if (!isCurrencyCode(code)) return refuse('validation_error');
  if (typeof exponent !== 'number' || !Number.isInteger(exponent)) return refuse('validation_error');
  refuseIf(exponent < 0 || exponent > 18, 'validation_error');
  return { code, exponent, name };
}

export function addCurrency(books: Books, journal: Journal, draft: CurrencyDraft, { key }: Asked) {
  const { code, exponent, name } = draft;
  refuseIf(exponentOf(books, code) !== undefined, 'currency_exists');
  const { recordedAt } = journal.next('currency.added');
  const data = { code, exponent, name, createdAt: recordedAt };
  books.set(books.currencies, code, data);
  books.advance(recordedAt, []);
  journal.write({ type: 'currency.added', transactionId: null, data, effectiveAt: recordedAt, key });
  return data;
}

export function closePeriod(books: Books, journal: Journal, body: unknown) {
  const { date } = fieldsOf(body, ['date']);
  const closedBefore = readClosedBefore(date);
  if (closedBefore === null) return refuse('validation_error');
  const { recordedAt } = journal.next('period.closed');
  // A day is shown as it was named, a moment as other times are.
  const record = {
    date: isDay(date) ? date : closedBefore,
    closedBefore,
    position: books.head + 1,
    setAt: recordedAt,
  };
  books.append(books.periods, record);
  books.advance(recordedAt, []);
  const data = { ...record, position: String(record.position) };
  journal.write({ type: 'period.closed', transactionId: null, data, effectiveAt: recordedAt, key: null });
  return data;
}
