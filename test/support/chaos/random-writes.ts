import { newKey } from '../client.js';
import type { SeededRandom } from '../seeded-random.js';
import type { LedgerUnderLoad } from './ledger-under-load.js';

export type WriteKind =
  'transfer' | 'hold' | 'capture' | 'void' | 'reversal' | 'batch' | 'postings' | 'account' | 'mint';

export interface RandomWrite {
  readonly kind: WriteKind;
  readonly path: string;
  readonly body: object;
}

const unknownAccount = 'acc_01jd3v4wqzfxs9v5n6m7k8h2re';
const moreThanThereIs = 100_000_000;

/** Out of a hundred. */
const shares: readonly (readonly [number, WriteKind])[] = [
  [44, 'transfer'],
  [16, 'hold'],
  [14, 'capture'],
  [4, 'void'],
  [10, 'reversal'],
  [7, 'batch'],
  [3, 'postings'],
  [1, 'account'],
  [1, 'mint'],
];

/** What a client may want next, given what it knows; some of it is refused, whatever the state of the ledger. */
export function requestOf(ledger: LedgerUnderLoad, random: SeededRandom): RandomWrite {
  const kind = kindOf(random.below(100));
  const amount = 1 + random.below(400);
  const known = kind === 'reversal' && random.below(4) > 0 ? ledger.settledIds : ledger.holdIds;
  const id = known.length > 0 ? random.pick(known) : undefined;
  switch (kind) {
    case 'capture':
      if (id === undefined) return create('hold', hold(ledger, random));
      return { kind, path: `/v1/transactions/${id}/capture`, body: captureOf(amount, random) };
    case 'void':
      if (id === undefined) return create('hold', hold(ledger, random));
      return { kind, path: `/v1/transactions/${id}/void`, body: {} };
    case 'reversal': {
      if (id === undefined) return create('transfer', transfer(ledger, random));
      const body = random.below(2) === 0 ? {} : { amount: Math.ceil(amount / 4) };
      return { kind, path: `/v1/transactions/${id}/reverse`, body };
    }
    case 'batch':
      return batch(ledger, random);
    case 'postings':
      return create(kind, { postings: severalPostings(ledger, random) });
    case 'account':
      return {
        kind,
        path: '/v1/accounts',
        body: { name: 'Opened under load', currency: 'EUR' },
      };
    case 'hold':
      return create(kind, hold(ledger, random));
    case 'mint':
      return mint(ledger, random);
    case 'transfer':
      return create(kind, transfer(ledger, random));
  }
}

function kindOf(drawn: number): WriteKind {
  let left = drawn;
  for (const [share, kind] of shares) {
    if (left < share) return kind;
    left -= share;
  }
  return 'transfer';
}

function create(kind: WriteKind, body: object): RandomWrite {
  return { kind, path: '/v1/transactions', body };
}

/** Never refused. */
export function mint({ accountIds }: LedgerUnderLoad, random: SeededRandom): RandomWrite {
  return { kind: 'mint', path: '/v1/mints', body: { recipient: random.pick(accountIds), amount: 100 } };
}

function pair({ accountIds }: LedgerUnderLoad, random: SeededRandom) {
  const isHot = random.below(8) === 0;
  const from = isHot ? 0 : random.below(accountIds.length);
  const to = (from + 1 + random.below(accountIds.length - 1)) % accountIds.length;
  const [sender, recipient] = [accountIds[from], accountIds[to]];
  const amount = 1 + random.below(400);
  return isHot && random.below(2) === 0
    ? { sender: recipient, recipient: sender, amount }
    : { sender, recipient, amount };
}

/** None of whose accounts is in two of them: what receivers are told of it then is one version later for each. */
function severalPostings({ accountIds }: LedgerUnderLoad, random: SeededRandom) {
  const from = random.below(accountIds.length);
  const at = (n: number) => accountIds[(from + n) % accountIds.length];
  return Array.from({ length: 2 + random.below(3) }, (_, n) => ({
    sender: at(2 * n),
    recipient: at(2 * n + 1),
    amount: 1 + random.below(400),
  }));
}

function transfer(ledger: LedgerUnderLoad, random: SeededRandom) {
  const right = { ...pair(ledger, random), reference: `Order ${random.below(1_000)}` };
  switch (random.below(14)) {
    case 0:
      return { ...right, amount: moreThanThereIs };
    case 1:
      return { ...right, recipient: right.sender };
    case 2:
      return { ...right, recipient: unknownAccount };
    default:
      return right;
  }
}

/** Without an end, or with one that comes while there is load. */
function hold(ledger: LedgerUnderLoad, random: SeededRandom) {
  const endsAt = new Date(Date.now() + 2_000 + random.below(8_000)).toISOString();
  const end = random.below(3) === 0 ? { expiresAt: endsAt } : {};
  return { ...pair(ledger, random), pending: true, ...end };
}

function captureOf(amount: number, random: SeededRandom): object {
  switch (random.below(3)) {
    case 0:
      return {};
    case 1:
      return { amount: Math.ceil(amount / 3), final: true };
    default:
      return { amount: Math.ceil(amount / 3) };
  }
}

function batch(ledger: LedgerUnderLoad, random: SeededRandom): RandomWrite {
  const isAtomic = random.below(2) === 0;
  const transactions = Array.from({ length: 2 + random.below(6) }, () => {
    const refused = random.below(isAtomic ? 15 : 6) === 0 ? { amount: moreThanThereIs } : {};
    const key = random.below(2) === 0 ? { idempotencyKey: newKey() } : {};
    return { ...pair(ledger, random), ...refused, ...key };
  });
  const body = { mode: isAtomic ? 'atomic' : 'independent', transactions };
  return { kind: 'batch', path: '/v1/transactions/batch', body };
}
