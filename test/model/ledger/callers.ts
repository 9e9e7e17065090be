/** Who asks: what their key may do, and whose they are. */
import type { AccountRecord, Party } from './books.js';
import type { Fields, TransactionDraft } from './bodies.js';
import { refuseIf } from './refusals.js';
import { checkPath } from './routes.js';

export interface Caller {
  readonly scopes: readonly string[];
  /** Null: bound to no owner. */
  readonly ownerId: string | null;
}

/** All that matters to a ledger's books. */
export const scopes = [
  ...['accounts:read', 'accounts:write', 'transactions:read', 'transactions:write'],
  ...['mint', 'burn', 'admin'],
];
export const everybody: Caller = { scopes, ownerId: null };

/** By whom something is asked for, and under which idempotency key. */
export interface Asked {
  readonly caller: Caller;
  readonly key: string | null;
}

/** Of routes under these a key that is bound to an owner may call none. */
const scopesBeyondOwners = ['mint', 'burn', 'admin'];

function scopeOfRoute(method: string, resource: string): string {
  const verb = method === 'GET' ? 'read' : 'write';
  switch (resource) {
    case 'accounts':
    case 'transactions':
      return `${resource}:${verb}`;
    case 'mints':
    case 'burns':
      return resource.slice(0, -1);
    case 'events':
      return 'transactions:read';
    case 'exchange-rates':
      return verb === 'read' ? 'transactions:read' : 'admin';
    default:
      return 'admin';
  }
}

/** Before anything of the request but its route is looked at. */
export function checkRoute({ scopes, ownerId }: Caller, method: string, path: string): void {
  checkPath(method, path);
  const [resource = '', id = '', part = ''] = path.replace('/v1/', '').split('/');
  const scope = scopeOfRoute(method, resource);
  refuseIf(!scopes.includes(scope), 'forbidden');
  const isBeyondOwners = scopesBeyondOwners.includes(scope) || part === 'hold';
  refuseIf(ownerId !== null && isBeyondOwners, 'forbidden');
  const isChanged = method === 'PATCH' || method === 'DELETE';
  refuseIf(isChanged && resource === 'accounts' && (id === 'ROOT' || id === 'EXCHANGE'), 'forbidden');
}

/** What a movement asks for beyond its route. */
export function checkMovement(caller: Caller, { postings, conditions }: TransactionDraft): void {
  const names = [
    ...postings.flatMap(({ sender, recipient }) => [sender, recipient]),
    ...conditions.map(({ accountId }) => accountId),
  ];
  const hasOwnRate = postings.some(({ exchangeRate }) => exchangeRate !== null);
  refuseIf(caller.ownerId !== null && (names.includes('ROOT') || hasOwnRate), 'forbidden');
  const needed = [
    ...(postings.some(({ sender }) => sender === 'ROOT') ? ['mint'] : []),
    ...(postings.some(({ recipient }) => recipient === 'ROOT') ? ['burn'] : []),
    ...(hasOwnRate ? ['admin'] : []),
  ];
  need(caller, needed);
}

interface Opening {
  readonly openingBalance: bigint | null;
  readonly minBalance: bigint | null;
}

/** `sent` are the fields of the request, not those that are meant where they are absent. */
export function checkOpening(caller: Caller, sent: Fields, draft: Opening): void {
  refuseToOwners(caller, sent, ['ownerId', 'openingBalance', 'minBalance', 'maxBalance']);
  if (draft.openingBalance !== null) need(caller, ['mint']);
  if (isCredit(draft.minBalance)) need(caller, ['admin']);
}

interface Change {
  readonly minBalance?: bigint | null;
  readonly status?: string;
}

export function checkChange(caller: Caller, change: Change): void {
  refuseToOwners(caller, change, ['minBalance', 'maxBalance', 'status']);
  const { minBalance = 0n, status } = change;
  if (isCredit(minBalance) || status !== undefined) need(caller, ['admin']);
}

const isCredit = (minBalance: bigint | null): boolean => minBalance === null || minBalance < 0n;

function refuseToOwners({ ownerId }: Caller, sent: object, fields: readonly string[]): void {
  refuseIf(ownerId !== null && fields.some((field) => field in sent), 'forbidden');
}

function need(caller: Caller, needed: readonly string[]): void {
  refuseIf(
    needed.some((scope) => !caller.scopes.includes(scope)),
    'forbidden',
  );
}

type Owned = Pick<AccountRecord | Party, 'isSystem' | 'ownerId'>;

export const owns = ({ ownerId }: Caller, account: Owned): boolean =>
  ownerId === null || (!account.isSystem && account.ownerId === ownerId);

export const mayCredit = (caller: Caller, account: AccountRecord): boolean =>
  owns(caller, account) || (!account.isSystem && account.visibility !== 'private');

/** Of a transaction, by those whom it touches. */
export const sees = (caller: Caller, parties: readonly Party[]): boolean =>
  parties.some((party) => owns(caller, party));

/** Whether all that was paid came to the caller's accounts: EXCHANGE keeps nothing. */
export const ownsAllOf = (caller: Caller, recipients: readonly AccountRecord[]): boolean =>
  recipients.every((account) => account.id === 'EXCHANGE' || owns(caller, account));

/** To give back what was destroyed is to make it, and the other way round. */
export function checkReversal(
  caller: Caller,
  senders: readonly AccountRecord[],
  recipients: readonly AccountRecord[],
): void {
  refuseIf(!ownsAllOf(caller, recipients), 'forbidden');
  const hasRoot = (accounts: readonly AccountRecord[]) => accounts.some(({ id }) => id === 'ROOT');
  need(caller, [...(hasRoot(recipients) ? ['mint'] : []), ...(hasRoot(senders) ? ['burn'] : [])]);
}
