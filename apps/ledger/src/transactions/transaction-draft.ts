import {
  parseAmount,
  parseSignedAmount,
  type Condition,
  type PostingDraft,
  type TransactionDraft,
} from '#domain';
import { validationError } from '#http';
import type { Outcome } from '#journal';
import { newUuid, parseTimestamp } from '#platform';
import { accountReference } from '../http/ids.js';
import type {
  ConditionBody,
  MovementDetails,
  PostingBody,
  TransactionDraftBody,
} from './transaction-bodies.js';

type Details = Omit<TransactionDraft, 'postings'>;
type Writable<T> = { -readonly [Field in keyof T]: T[Field] };

/** A body that its class has checked, as the domain takes it: this is where it is translated. */
export function transactionDraft(body: TransactionDraftBody): TransactionDraft {
  // No copy: this is done for each transaction of a batch.
  return Object.assign(detailsOf(body), { postings: postingsOf(body) });
}

/** All but the postings, for a movement whose other side the route says. */
export function detailsOf(body: MovementDetails): Details {
  const { expiresAt, effectiveAt, conditions } = body;
  const details: Writable<Details> = {
    transactionId: newUuid(),
    reference: body.reference ?? null,
    externalId: body.externalId ?? null,
    metadata: body.metadata ?? {},
  };
  if (body.pending) details.hold = { expiresAt: expiresAt == null ? null : timeOf(expiresAt, 'expiresAt') };
  if (effectiveAt != null) details.effectiveAt = timeOf(effectiveAt, 'effectiveAt');
  if (conditions) details.conditions = conditions.map(conditionOf);
  return details;
}

/** The postings of a body with one movement or several, in order. */
export function sentPostings(body: TransactionDraftBody): readonly PostingBody[] {
  // That one of the two is there was checked.
  return body.postings ?? [body as PostingBody];
}

/** Where in a body a posting's field is. */
export function pathOfPosting({ postings }: Pick<TransactionDraftBody, 'postings'>, index: number): string {
  return postings ? `postings[${index}].` : '';
}

const postingFields: ReadonlySet<string | null> = new Set(['sender', 'recipient', 'amount', 'exchangeRate']);

/** To the domain one posting is one movement, however it was written. */
export function asSent<Decided extends Outcome>(
  outcome: Decided,
  { postings }: Pick<TransactionDraftBody, 'postings'>,
): Decided {
  if (outcome.accepted || postings?.length !== 1 || !postingFields.has(outcome.refusal.path)) return outcome;
  return { ...outcome, refusal: { ...outcome.refusal, path: `postings[0].${outcome.refusal.path}` } };
}

export function amountOf(sent: string | number, path = 'amount'): bigint {
  const amount = parseAmount(sent);
  if (amount === null) throw validationError([{ path, message: 'is not an amount' }]);
  return amount;
}

export function timeOf(sent: string, path: string): bigint {
  const micros = parseTimestamp(sent);
  if (micros === null) throw validationError([{ path, message: 'is not a time' }]);
  return micros;
}

function postingsOf(body: TransactionDraftBody): readonly PostingDraft[] {
  if (!body.postings) return [postingOf(body as PostingBody, '')];
  return body.postings.map((posting, index) => postingOf(posting, pathOfPosting(body, index)));
}

function postingOf({ sender, recipient, amount, exchangeRate }: PostingBody, path: string): PostingDraft {
  const posting = {
    sender: accountReference(sender, `${path}sender`),
    recipient: accountReference(recipient, `${path}recipient`),
    amount: amountOf(amount, `${path}amount`),
  };
  return exchangeRate === undefined ? posting : { ...posting, exchangeRate };
}

function conditionOf({ accountId, version, minPosted, maxPosted }: ConditionBody, index: number): Condition {
  const path = `conditions[${index}]`;
  return {
    account: accountReference(accountId, `${path}.accountId`),
    ...(version === undefined ? {} : { version }),
    ...(minPosted === undefined ? {} : { minPosted: balanceOf(minPosted, `${path}.minPosted`) }),
    ...(maxPosted === undefined ? {} : { maxPosted: balanceOf(maxPosted, `${path}.maxPosted`) }),
  };
}

function balanceOf(sent: string | number, path: string): bigint {
  const balance = parseSignedAmount(sent);
  if (balance === null) throw validationError([{ path, message: 'is not an amount' }]);
  return balance;
}
