/** Random requests that may change the ledger: right, wrong, at limits and over them. */
import { owners } from './callers.js';
import type { Operation } from './program.js';
import type { Random } from './random.js';

export type Draft = Omit<Operation, 'number'>;

/** What has been generated so far, by number. */
export interface Generated {
  readonly accounts: number[];
  readonly currencyOf: Map<number, unknown>;
  readonly ownerOf: Map<number, string | null>;
  readonly transactions: number[];
  readonly batches: { readonly number: number; readonly items: number }[];
  readonly holds: number[];
  readonly keyed: Operation[];
  readonly itemKeys: string[];
}

const unknownAccount = 'acc_01jd3v4wqzfxs9v5n6m7k8h2re';
const unknownTransaction = 'txn_01jd3v5m7yf8rb6q0n4j2d9ktw';
const past2to53 = '9007199254740993';
const most = '9'.repeat(36);
const references = [
  ...['Rent 1', 'rent 2', 'Order 8', 'ÉTÉ', '100%_x', 'a'],
  ...['=1+1', '-5', '@x', 'one, "two"', 'two\r\nlines', "'a"],
];
export const names = ['Alice', 'bob', 'Shop 1', 'Éva', '100%_sure', 'Fees'];
export const currencies = ['EUR', 'USD', 'JPY', 'KWD', 'PTS', 'GRN'];
/** Few, so that they are often taken. */
export const externalIds = Array.from({ length: 40 }, (_, n) => `ext-${n}`);

export class Writes {
  private ownerId: string | null = null;

  constructor(
    private readonly random: Random,
    private readonly generated: Generated,
  ) {}

  /** For a caller who is bound to an owner, mostly what an owner may ask for. */
  next(ownerId: string | null): Draft {
    this.for(ownerId);
    const draft = this.any();
    const isRight = ownerId === null || this.random.chance(15);
    return isRight ? draft : { ...draft, body: withoutLimits(draft.body) };
  }

  /** Whose accounts are mostly named from now on. */
  for(ownerId: string | null): void {
    this.ownerId = ownerId;
  }

  private any(): Draft {
    return this.random.weighted<() => Draft>([
      [30, () => this.transaction()],
      [6, () => this.mintOrBurn()],
      [8, () => this.openAccount()],
      [7, () => this.changeAccount()],
      [2, () => this.closeAccount()],
      [10, () => this.capture()],
      [2, () => this.voidHold()],
      [3, () => this.extend()],
      [11, () => this.reverse()],
      [8, () => this.batch()],
      [2, () => this.setRate()],
      [1, () => this.addCurrency()],
      [1, () => this.closePeriod()],
      [6, () => this.repeat()],
      [1, () => this.strayed()],
    ])();
  }

  openAccount(): Draft {
    const { random } = this;
    const body = {
      name: random.pick(names),
      currency: random.weighted([
        [50, 'EUR'],
        [20, random.pick(currencies)],
        [1, 'XXX'],
      ]),
      ...this.sometimes(40, { openingBalance: this.amount() }),
      ...this.sometimes(15, { minBalance: random.pick(['-100', -50, '50', null]) }),
      ...this.sometimes(20, { maxBalance: random.pick(['500', 1_000, '0', null]) }),
      ...this.sometimes(30, { visibility: random.pick(['private', 'public', 'unlisted', 'secret']) }),
      ...this.sometimes(30, { ownerId: random.pick(owners) }),
      ...this.sometimes(20, { externalId: random.pick(externalIds) }),
      ...this.sometimes(20, { metadata: this.metadata() }),
      ...this.sometimes(1, { balance: '5' }),
    };
    return { method: 'POST', path: '/v1/accounts', body, ...this.key() };
  }

  private transaction(): Draft {
    const fields = { ...this.transactionFields(), ...this.sometimes(5, { dryRun: true }) };
    return { method: 'POST', path: '/v1/transactions', body: fields, ...this.key() };
  }

  private transactionFields(): Record<string, unknown> {
    const { random } = this;
    const isSeveral = random.chance(15);
    const isPending = random.chance(22);
    const count = random.weighted([
      [10, 2 + random.below(3)],
      [2, 1],
      [1, 12],
    ]);
    return {
      ...(isSeveral ? { postings: Array.from({ length: count }, () => this.posting()) } : this.posting()),
      ...this.texts(),
      ...(isPending ? { pending: true, ...this.sometimes(45, { expiresAt: this.deadline() }) } : {}),
      ...this.sometimes(isPending ? 1 : 10, { effectiveAt: this.pastTime() }),
      ...this.sometimes(7, { conditions: [this.condition()] }),
      ...this.sometimes(1, { refrence: 'x' }),
    };
  }

  private posting(): Record<string, unknown> {
    const { random, generated } = this;
    const [sender, other] = [this.recentAccount(), this.recent(generated.accounts)];
    const currency = generated.currencyOf.get(sender);
    const alike = generated.accounts.filter((number) => generated.currencyOf.get(number) === currency);
    const isOwn = this.ownerId !== null && random.chance(50);
    const recipient = isOwn ? this.recentAccount() : random.chance(70) ? this.recent(alike) : other;
    return {
      sender: random.chance(7) ? 'ROOT' : this.accountAt(sender),
      recipient: random.chance(6) ? 'ROOT' : this.accountAt(recipient),
      amount: this.amount(),
      ...this.sometimes(generated.currencyOf.get(recipient) === currency ? 2 : 50, {
        exchangeRate: this.rate(),
      }),
    };
  }

  private texts(): Record<string, unknown> {
    return {
      ...this.sometimes(30, { reference: this.random.pick(references) }),
      ...this.sometimes(12, { externalId: this.random.pick(externalIds) }),
      ...this.sometimes(10, { metadata: this.metadata() }),
    };
  }

  private mintOrBurn(): Draft {
    const isMint = this.random.chance(75);
    const side = isMint ? { recipient: this.account() } : { sender: this.account() };
    const body = {
      ...side,
      amount: this.amount(),
      ...this.texts(),
      ...this.sometimes(10, { pending: true }),
      ...this.sometimes(10, { effectiveAt: this.pastTime() }),
      ...this.sometimes(5, { dryRun: true }),
    };
    return { method: 'POST', path: isMint ? '/v1/mints' : '/v1/burns', body, ...this.key() };
  }

  private changeAccount(): Draft {
    const { random } = this;
    const body = random.weighted<() => Record<string, unknown>>([
      [3, () => ({ status: 'frozen' })],
      [6, () => ({ status: 'open' })],
      [3, () => ({ name: random.pick(names) })],
      [3, () => ({ minBalance: random.pick(['0', '-100', null, '20']) })],
      [3, () => ({ maxBalance: random.pick(['1000', 500, null, '0']) })],
      [2, () => ({ externalId: random.pick([null, ...externalIds]) })],
      [2, () => ({ metadata: random.pick([null, this.metadata()]) })],
      [2, () => ({ visibility: random.pick(['public', 'private']), name: random.pick(names) })],
      [1, () => ({})],
      [1, () => ({ currency: 'USD' })],
    ])();
    const id = random.chance(3) ? 'ROOT' : this.account();
    return { method: 'PATCH', path: `/v1/accounts/${id}`, body, ...this.preconditions() };
  }

  private closeAccount(): Draft {
    return { method: 'DELETE', path: `/v1/accounts/${this.account()}`, ...this.preconditions() };
  }

  private capture(): Draft {
    const body = this.random.weighted<unknown>([
      [3, {}],
      [6, { amount: this.smallAmount() }],
      [2, { amount: this.smallAmount(), final: true }],
      [1, { amount: this.amount(), dryRun: true }],
      [1, { amount: 0 }],
    ]);
    return { method: 'POST', path: `/v1/transactions/${this.hold()}/capture`, body, ...this.key() };
  }

  private voidHold(): Draft {
    const body = this.random.chance(10) ? { dryRun: true } : {};
    return { method: 'POST', path: `/v1/transactions/${this.hold()}/void`, body, ...this.key() };
  }

  private extend(): Draft {
    const body = { expiresAt: this.deadline() };
    return { method: 'PATCH', path: `/v1/transactions/${this.hold()}/hold`, body };
  }

  private reverse(): Draft {
    const body = this.random.weighted<unknown>([
      [3, {}],
      [8, { amount: this.smallAmount() }],
      [2, { amount: this.amount(), reason: 'Returned' }],
      [1, { amount: this.smallAmount(), dryRun: true }],
      [1, { reason: '' }],
    ]);
    const id = this.random.chance(30) ? this.hold() : this.anyTransaction();
    return { method: 'POST', path: `/v1/transactions/${id}/reverse`, body, ...this.key() };
  }

  private batch(): Draft {
    const { random } = this;
    const count = random.weighted([
      [10, 1 + random.below(6)],
      [1, 30],
    ]);
    const transactions = Array.from({ length: count }, () => ({
      ...this.transactionFields(),
      ...this.itemKey(),
    }));
    const body = {
      mode: random.pick(['independent', 'independent', 'atomic']),
      transactions,
      ...this.sometimes(5, { dryRun: true }),
    };
    return { method: 'POST', path: '/v1/transactions/batch', body, ...this.key() };
  }

  private setRate(): Draft {
    const [from, to] = [this.random.pick(currencies), this.random.pick([...currencies, 'XXX'])];
    return { method: 'PUT', path: `/v1/exchange-rates/${from}/${to}`, body: { rate: this.rate() } };
  }

  private addCurrency(): Draft {
    const code = this.random.pick(['PTS', 'GRN', 'NEW1', 'NEW2', 'EUR']);
    const body = { code, exponent: this.random.pick([0, 2, 18, 19]), name: code };
    return { method: 'POST', path: '/v1/currencies', body, ...this.key() };
  }

  private closePeriod(): Draft {
    const date = this.random.pick(['2021-12-31', '2022-06-30', '2023-01-15T12:00:00.5Z', '2020-02-30']);
    return { method: 'PUT', path: '/v1/periods/closed-through', body: { date } };
  }

  /** A transaction can be neither edited nor deleted, and there is no way to ask for it, nor for some other things. */
  private strayed(): Draft {
    const { random } = this;
    const transaction = `/v1/transactions/${this.anyTransaction()}`;
    const account = `/v1/accounts/${this.account()}`;
    const method = random.pick(['PUT', 'PATCH', 'DELETE', 'POST']);
    const path = random.pick([
      ...[transaction, transaction, `${transaction}/refund`, account, `${account}/balance`],
      ...['/v1/mints', '/v1/events', '/v1/trial-balance', '/v1/account', '/v1/transactions/batch'],
    ]);
    return { method, path, ...(method === 'DELETE' ? {} : { body: {} }) };
  }

  /** An earlier request again, or its key with another body or at another place. */
  private repeat(): Draft {
    const { random, generated } = this;
    if (generated.keyed.length === 0) return this.transaction();
    const recent = generated.keyed.slice(-60);
    const { number: _, caller, ...first } = random.pick(recent);
    if (random.chance(60)) return caller === undefined || random.chance(10) ? first : { ...first, caller };
    return {
      ...random.pick<() => Draft>([() => this.transaction(), () => this.reverse()])(),
      key: first.key!,
    };
  }

  private key(): { key?: string } {
    const { random, generated } = this;
    if (!random.chance(45)) return random.chance(1) ? { key: 'a b' } : {};
    if (random.chance(4) && generated.itemKeys.length > 0) return { key: random.pick(generated.itemKeys) };
    return { key: `key-${random.below(2 ** 30)}` };
  }

  private itemKey(): { idempotencyKey?: string } {
    const { random, generated } = this;
    if (!random.chance(30)) return {};
    const known = [...generated.itemKeys.slice(-20), ...generated.keyed.slice(-20).map(({ key }) => key!)];
    if (known.length > 0 && random.chance(25)) return { idempotencyKey: random.pick(known) };
    const key = `item-${random.below(2 ** 30)}`;
    generated.itemKeys.push(key);
    return { idempotencyKey: key };
  }

  private preconditions(): Pick<Draft, 'ifMatch' | 'ifUnmodifiedSince'> {
    const { random } = this;
    const number = this.recent(this.generated.accounts);
    return {
      ...(random.chance(15)
        ? { ifMatch: random.pick([`{tag:${number}}`, `{tag:${number}}`, `"9.9", {tag:${number}}`, '*', 'x']) }
        : {}),
      ...(random.chance(25) ? { ifUnmodifiedSince: this.date(number) } : {}),
    };
  }

  private date(number: number): string {
    const dates = [
      `{lastModified:${number}}`,
      'Fri, 01 Jan 2038 00:00:00 GMT',
      'Mon, 01 Jan 2024 00:00:00 GMT',
    ];
    return this.random.pick([...dates, 'yesterday']);
  }

  account(): string {
    return this.accountAt(this.recentAccount());
  }

  /** Mostly the owner's own. */
  private recentAccount(): number {
    const { accounts, ownerOf } = this.generated;
    const own = accounts.filter((number) => ownerOf.get(number) === this.ownerId);
    const isOwn = this.ownerId !== null && this.random.chance(75);
    return this.recent(isOwn ? own : accounts);
  }

  private accountAt(number: number): string {
    return this.random.chance(1) ? this.random.pick([unknownAccount, 'acc_1']) : `{account:${number}}`;
  }

  private hold(): string {
    return this.random.chance(4) ? this.anyTransaction() : `{hold:${this.recent(this.generated.holds)}}`;
  }

  anyTransaction(): string {
    const { random, generated } = this;
    if (random.chance(1)) return random.pick([unknownTransaction, 'txn_1']);
    if (random.chance(15) && generated.batches.length > 0) {
      const { number, items } = random.pick(generated.batches.slice(-20));
      return `{transaction:${number}.${random.below(items)}}`;
    }
    return `{transaction:${this.recent(generated.transactions)}}`;
  }

  /** Mostly of late, so that what goes on with something comes soon and often. */
  private recent(numbers: readonly number[]): number {
    const { random } = this;
    return random.pick(random.chance(50) ? numbers.slice(-14) : numbers) ?? -1;
  }

  private amount(): unknown {
    const { random } = this;
    return random.weighted<unknown>([
      [60, 1 + random.below(120)],
      [40, String(1 + random.below(400))],
      [6, random.pick(['1000', '1001', 999])],
      [3, random.pick([past2to53, most, '9'.repeat(18)])],
      [3, random.pick([0, '01', '-1', '1.5', 1.5, 2 ** 53, `1${'0'.repeat(36)}`, null])],
    ]);
  }

  private smallAmount(): unknown {
    return this.random.weighted<unknown>([
      [20, 1 + this.random.below(30)],
      [4, String(1 + this.random.below(150))],
      [1, this.amount()],
    ]);
  }

  private rate(): string {
    // With most of them every second or fourth amount comes to a half.
    return this.random.pick(['0.5', '1.5', '2.5', '0.25', '50', '150', '1.0837', '1.115', '0.005', '0']);
  }

  private deadline(): string {
    return this.random.weighted([
      [4, `{now:${400 + this.random.below(6_000)}}`],
      [5, '2099-01-01T00:00:00Z'],
      [2, '2098-06-01T12:00:00+02:00'],
      [1, '2020-01-01T00:00:00Z'],
    ]);
  }

  private pastTime(): string {
    return this.random.weighted([
      [4, `202${this.random.below(5)}-0${1 + this.random.below(9)}-1${this.random.below(10)}T00:00:00Z`],
      [2, `{now:-${1_000 + this.random.below(5_000)}}`],
      [2, `{createdAt:${this.recent(this.generated.transactions)}}`],
      [1, '2099-01-01T00:00:00Z'],
    ]);
  }

  private condition(): Record<string, unknown> {
    const number = this.recent(this.generated.accounts);
    const accountId = `{account:${number}}`;
    return this.random.pick<Record<string, unknown>>([
      { accountId, version: `{version:${number}}` },
      { accountId, version: 1 + this.random.below(5), minPosted: 0 },
      { accountId, minPosted: String(this.random.below(200)) },
      { accountId, maxPosted: this.random.below(300) },
      { accountId: this.account(), minPosted: '-50', maxPosted: '5000' },
      { accountId: 'ROOT', maxPosted: 0, minPosted: String(-this.random.below(6_000)) },
      { accountId: 'ROOT', version: this.random.below(9) },
      { accountId: this.random.pick(['ROOT', 'EXCHANGE']), minPosted: '-100000' },
    ]);
  }

  private metadata(): Record<string, unknown> {
    return this.random.pick<Record<string, unknown>>([
      {},
      { tier: 'gold' },
      { amount: 5, list: [1, { b: 2, a: null }] },
    ]);
  }

  private sometimes(percent: number, fields: Record<string, unknown>): Record<string, unknown> {
    return this.random.chance(percent) ? fields : {};
  }
}

const unsayable = ['ownerId', 'openingBalance', 'minBalance', 'maxBalance', 'status', 'exchangeRate'];

/** A body without what nobody who is bound to an owner can say. */
function withoutLimits(body: unknown): unknown {
  if (Array.isArray(body)) return body.map(withoutLimits);
  if (typeof body !== 'object' || body === null) return body;
  const entries = Object.entries(body).filter(([field]) => !unsayable.includes(field));
  return Object.fromEntries(entries.map(([field, value]) => [field, withoutLimits(value)]));
}
