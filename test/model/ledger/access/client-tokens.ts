/** A key hands a part of what it may do to the app of one owner. */
import { fieldsOf, textOf } from '../bodies.js';
import { refuseIf } from '../refusals.js';
import { refuseBeyond, scopesOf, wholeNumberOf } from './keys.js';
import type { Holder } from './records.js';
import { textChosen, type AccessRequest, type Decision } from './requests.js';

export const tokenSecondsMax = 900;

export function issueToken(holder: Holder, request: AccessRequest): Decision {
  const body = fieldsOf(request.body, ['ownerId', 'scopes', 'ttlSeconds']);
  const ownerId = textOf(body['ownerId']);
  const scopes = scopesOf(body['scopes']);
  const { ttlSeconds = tokenSecondsMax } = body;
  wholeNumberOf(ttlSeconds, 1, tokenSecondsMax);
  refuseBeyond(holder, scopes);
  refuseIf(holder.ownerId !== null && holder.ownerId !== ownerId, 'forbidden');
  const [token, expiresAt] = [textChosen(request, 'token'), textChosen(request, 'expiresAt')];
  const key = holder.ledger.keys.find(({ id }) => id === holder.actor)!;
  return {
    status: 201,
    body: { data: { token, expiresAt } },
    take: (books) => books.addToken(token, key, Date.parse(expiresAt), { ownerId, scopes }),
  };
}
