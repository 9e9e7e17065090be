/** What an account must still be for a request to count, by its headers. */
import type { AccountRecord } from './books.js';
import { refuseIf } from './refusals.js';

export interface Preconditions {
  readonly ifMatch: string | null;
  readonly ifUnmodifiedSince: string | null;
}

export const entityTag = ({ settingsVersion, version }: AccountRecord): string =>
  `"${settingsVersion}.${version}"`;

/** To the second, as dates of HTTP are. */
export const lastModified = ({ updatedAt }: AccountRecord): string => new Date(updatedAt).toUTCString();

/** Its settings may not have changed since; what is posted meanwhile doesn't matter. */
export function checkSettings({ ifMatch }: Preconditions, account: AccountRecord): void {
  const settings = `"${account.settingsVersion}.`;
  refuseIf(!hasTag(ifMatch, (tag) => tag.startsWith(settings)), 'precondition_failed');
}

/** Nothing at all may have happened to it since. A date counts where there are no tags. */
export function checkAll({ ifMatch, ifUnmodifiedSince }: Preconditions, account: AccountRecord): void {
  refuseIf(!hasTag(ifMatch, (tag) => tag === entityTag(account)), 'precondition_failed');
  const since = ifMatch === null && ifUnmodifiedSince !== null ? Date.parse(ifUnmodifiedSince) : NaN;
  const isModified = Date.parse(lastModified(account)) > since;
  refuseIf(!Number.isNaN(since) && isModified, 'precondition_failed');
}

/** Any one of several will do, and of those that are, `*`. */
function hasTag(ifMatch: string | null, isMet: (tag: string) => boolean): boolean {
  if (ifMatch === null || ifMatch.trim() === '*') return true;
  return ifMatch.split(',').some((tag) => isMet(tag.trim()));
}
