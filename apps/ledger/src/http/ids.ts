import { keyNotFound, organizationNotFound } from '#access';
import { decodeTypeId } from '#contracts';
import { systemAccountNames, type SystemAccountName } from '#domain';
import { ApiError, validationError } from '#http';

export function isSystemAccountName(text: string): text is SystemAccountName {
  return (systemAccountNames as readonly string[]).includes(text);
}

/** An account's UUID or a system account's name, from a body or a filter; null where it is neither. */
export function readAccountReference(text: string): string | null {
  return isSystemAccountName(text) ? text : decodeTypeId('acc', text);
}

const accountIdText = /^acc_[0-7][0-9a-hjkmnp-tv-z]{25}$/;

/** Whether the text can be read as above, without reading it. */
export function isAccountReference(text: string): boolean {
  return accountIdText.test(text) || isSystemAccountName(text);
}

/** Whether a body may have it: money comes from ROOT and goes to it, and through EXCHANGE by itself alone. */
export function isPartyReference(text: string): boolean {
  return accountIdText.test(text) || text === 'ROOT';
}

/** As above, of text that its DTO has checked. */
export function accountReference(text: string, path: string): string {
  const reference = readAccountReference(text);
  if (reference === null) throw validationError([{ path, message: 'is not an account id' }]);
  return reference;
}

/** The UUID in a path; a malformed one can't be anybody's. */
export function pathAccountId(text: string): string {
  const uuid = decodeTypeId('acc', text);
  if (uuid === null) throw accountNotFound();
  return uuid;
}

export function pathTransactionId(text: string): string {
  const uuid = decodeTypeId('txn', text);
  if (uuid === null) throw transactionNotFound();
  return uuid;
}

export const currencyCode = /^[A-Za-z0-9]{1,32}$/;

/** The code of a currency in a path, which the ledger may have or not. */
export function pathCurrency(text: string): string {
  if (!currencyCode.test(text)) throw new ApiError(404, 'not_found', 'there is no such currency');
  return text;
}

export function pathKeyId(text: string): string {
  const uuid = decodeTypeId('key', text);
  if (uuid === null) throw keyNotFound();
  return uuid;
}

export function pathOrganizationId(text: string): string {
  const uuid = decodeTypeId('org', text);
  if (uuid === null) throw organizationNotFound();
  return uuid;
}

export function accountNotFound(): ApiError {
  return new ApiError(404, 'account_not_found', 'there is no such account');
}

export function transactionNotFound(): ApiError {
  return new ApiError(404, 'transaction_not_found', 'there is no such transaction');
}
