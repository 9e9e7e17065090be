/** Keys are made, shown, changed, given new secrets and ended by those who may do no less. */
import { fieldsOf, oneOf, optionalText, textOf, timeOf, type Fields } from '../bodies.js';
import { refuse, refuseIf } from '../refusals.js';
import { pageDraft } from '../page-parameters.js';
import { typeId } from '../type-ids.js';
import { checkCursor, page } from './pages.js';
import {
  scopesOfKeys,
  stateOf,
  type AccessBooks,
  type Holder,
  type KeyRecord,
  type LedgerRecord,
  type Settings,
} from './records.js';
import { textChosen, type AccessRequest, type Decision } from './requests.js';

const keyId = typeId('key');
const rateLimitMax = 1_000_000;
const overlapSecondsMax = 604_800;
export const rateLimitDefaults: Readonly<Record<string, number>> = { test: 100, live: 6_000 };

export function shownKey(key: KeyRecord) {
  const { settings, updatedAt } = stateOf(key);
  return { id: key.id, ...settings, createdAt: key.createdAt, updatedAt };
}

export function scopesOf(value: unknown): string[] {
  if (!Array.isArray(value)) return refuse('validation_error');
  const isRight = value.every((scope) => scopesOfKeys.includes(scope as string));
  refuseIf(!isRight || new Set(value).size < value.length, 'validation_error');
  return scopesOfKeys.filter((scope) => value.includes(scope));
}

export function wholeNumberOf(value: unknown, least: number, most: number): number {
  const isRight = Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
  return isRight ? (value as number) : refuse('validation_error');
}

export function refuseBeyond({ scopes }: Holder, given: readonly string[]): void {
  refuseIf(!given.every((scope) => scopes.includes(scope)), 'forbidden');
}

const limitOf = (value: unknown): number | null =>
  value === null ? null : wholeNumberOf(value, 1, rateLimitMax);

function expiryOf(value: unknown, now: number): string | null {
  if (value == null) return null;
  const time = timeOf(value);
  refuseIf(Date.parse(time) <= now, 'validation_error');
  return time;
}

const settingsFields = ['name', 'scopes', 'rateLimitPerMinute', 'expiresAt'];

export function createKey(holder: Holder, request: AccessRequest): Decision {
  const body = fieldsOf(request.body, [...settingsFields, 'ownerId', 'signing']);
  const { ledger } = holder;
  const { rateLimitPerMinute: limit = rateLimitDefaults[ledger.mode]!, signing = 'none' } = body;
  const settings: Settings = {
    name: textOf(body['name']),
    scopes: scopesOf(body['scopes']),
    ownerId: optionalText(body['ownerId']),
    rateLimitPerMinute: limitOf(limit),
    signing: oneOf(signing, ['none', 'required']),
    expiresAt: expiryOf(body['expiresAt'], request.now),
  };
  refuseBeyond(holder, settings.scopes);
  const key = newKey(ledger, textChosen(request, 'id'), settings, textChosen(request, 'createdAt'));
  const secret = textChosen(request, 'secret');
  return {
    status: 201,
    body: { data: { ...shownKey(key), secret } },
    take: (books) => addKey(books, key, secret, holder.actor),
  };
}

export function newKey(ledger: LedgerRecord, id: string, settings: Settings, createdAt: string): KeyRecord {
  const state = { settings, isDeleted: false, updatedAt: createdAt, until: null };
  return { id, ledger, isBootstrap: false, createdAt, states: [state] };
}

export function addKey(books: AccessBooks, key: KeyRecord, secret: string, actor: string): void {
  key.ledger.keys.push(key);
  books.addSecret(secret, key);
  const details = { after: stateOf(key).settings };
  key.ledger.auditLog.push({ actor, action: 'api_key.created', subject: key.id, details });
}

export function listKeys({ ledger }: Holder, request: AccessRequest): Decision {
  const draft = pageDraft(request.query);
  const list = `api-keys ${ledger.id}`;
  checkCursor(request, list);
  const isShown = (key: KeyRecord) => !stateOf(key).isDeleted;
  return page(request, draft, list, { rows: ledger.keys, isShown, show: shownKey });
}

export function getKey(holder: Holder, request: AccessRequest): Decision {
  return { status: 200, body: { data: shownKey(keyNamed(holder, request)) } };
}

function keyNamed({ ledger }: Holder, { path }: AccessRequest): KeyRecord {
  const id = path.split('/')[3]!;
  refuseIf(!keyId.test(id), 'not_found');
  return ledger.keys.find((key) => key.id === id && !stateOf(key).isDeleted) ?? refuse('not_found');
}

function keyToChange(holder: Holder, request: AccessRequest): KeyRecord {
  const key = keyNamed(holder, request);
  refuseIf(key.isBootstrap, 'forbidden');
  return key;
}

export function updateKey(holder: Holder, request: AccessRequest): Decision {
  const changes = changesOf(fieldsOf(request.body, settingsFields), request.now);
  refuseBeyond(holder, changes.scopes ?? []);
  const key = keyToChange(holder, request);
  const before = stateOf(key).settings;
  refuseBeyond(holder, before.scopes);
  if (Object.keys(changes).length === 0) return { status: 200, body: { data: shownKey(key) } };
  const settings = { ...before, ...changes };
  const updatedAt = textChosen(request, 'updatedAt');
  return {
    status: 200,
    body: { data: { ...shownKey(key), ...settings, updatedAt } },
    take: (books) => {
      books.change(key, { settings, updatedAt }, request.span.endedAt);
      const details = { before, after: settings };
      const entry = { actor: holder.actor, action: 'api_key.updated', subject: key.id, details };
      holder.ledger.auditLog.push(entry);
    },
  };
}

function changesOf(body: Fields, now: number): Partial<Settings> {
  return {
    ...('name' in body ? { name: textOf(body['name']) } : {}),
    ...('scopes' in body ? { scopes: scopesOf(body['scopes']) } : {}),
    ...('rateLimitPerMinute' in body ? { rateLimitPerMinute: limitOf(body['rateLimitPerMinute']) } : {}),
    ...('expiresAt' in body ? { expiresAt: expiryOf(body['expiresAt'], now) } : {}),
  };
}

export function deleteKey(holder: Holder, request: AccessRequest): Decision {
  const key = keyToChange(holder, request);
  return {
    status: 204,
    body: undefined,
    take: (books) => {
      const details = { before: stateOf(key).settings };
      books.change(key, { isDeleted: true }, request.span.endedAt);
      const entry = { actor: holder.actor, action: 'api_key.deleted', subject: key.id, details };
      holder.ledger.auditLog.push(entry);
    },
  };
}

export function rotateKey(holder: Holder, request: AccessRequest): Decision {
  const body = fieldsOf(request.body, ['overlapSeconds']);
  const overlapSeconds = wholeNumberOf(body['overlapSeconds'], 0, overlapSecondsMax);
  const key = keyToChange(holder, request);
  refuseBeyond(holder, stateOf(key).settings.scopes);
  const [secret, updatedAt] = [textChosen(request, 'secret'), textChosen(request, 'updatedAt')];
  return {
    status: 200,
    body: { data: { ...shownKey(key), updatedAt, secret } },
    take: (books) => {
      const { endedAt } = request.span;
      books.change(key, { updatedAt }, endedAt);
      books.endSecrets(key, endedAt + overlapSeconds * 1_000);
      books.addSecret(secret, key);
      const details = { overlapSeconds };
      const entry = { actor: holder.actor, action: 'api_key.rotated', subject: key.id, details };
      holder.ledger.auditLog.push(entry);
    },
  };
}
