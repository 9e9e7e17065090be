import type { IncomingHttpHeaders } from 'node:http';
import type { Account, AccountPrecondition } from '#domain';

/** The entity tag of an account: what it is, and what has happened on it. */
export function entityTag(account: Account): string {
  return `"${account.settingsVersion}.${account.version}"`;
}

const tag = /^"(\d{1,15})\.(\d{1,15})"$/;
/** A tag that was never given out is no account's. */
const noAccount: AccountPrecondition = { settingsVersion: -1, version: -1, unmodifiedSinceSeconds: null };

/**
 * If-Match (RFC 9110, 13.1.1): any of the listed tags will do, "*" is any account that exists. A change of
 * settings compares what the account is, so that postings in between don't disturb it; closing compares both.
 */
export function ifMatch(headers: IncomingHttpHeaders, compares: 'settings' | 'both'): AccountPrecondition[] {
  const header = headers['if-match'];
  if (header === undefined || header.trim() === '*') return [];
  return header.split(',').map((candidate) => {
    const match = tag.exec(candidate.trim());
    if (!match) return noAccount;
    const version = compares === 'both' ? Number(match[2]) : null;
    return { settingsVersion: Number(match[1]), version, unmodifiedSinceSeconds: null };
  });
}

/** If-Unmodified-Since (RFC 9110, 13.1.4): ignored beside If-Match, and where it isn't a date. */
export function ifUnmodifiedSince(headers: IncomingHttpHeaders): AccountPrecondition[] {
  const header = headers['if-unmodified-since'];
  if (header === undefined || headers['if-match'] !== undefined) return [];
  const millis = Date.parse(header);
  if (Number.isNaN(millis)) return [];
  return [
    { settingsVersion: null, version: null, unmodifiedSinceSeconds: BigInt(Math.floor(millis / 1000)) },
  ];
}
