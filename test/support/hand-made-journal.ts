import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import {
  applyLeg,
  availableBalance,
  newAccount,
  postedBalance,
  type Account,
  type AccountSettings,
  type DomainEvent,
  type Leg,
  type TransactionType,
} from '#domain';
import { effectiveAtOf, encodeEventData, systemAccountId, transactionIdOf } from '#journal';
import { settingsOf } from './ledger-fixtures.js';

export interface HandMadePosting {
  /** An account's UUID or ROOT. */
  readonly sender: string;
  readonly recipient: string;
  readonly amount: bigint;
  readonly currency?: string;
}

export interface HandMadeTransaction {
  readonly position: bigint;
  readonly transactionId: string;
  readonly recordedAt: bigint;
  readonly type: TransactionType;
  readonly reference: string | null;
  readonly externalId: string | null;
  readonly postings: readonly Required<HandMadePosting>[];
}

interface WrittenEvent {
  readonly type: string;
  readonly version: number;
  readonly transactionId: string | null;
  readonly data: string;
  readonly recordedAt: bigint;
  readonly effectiveAt: bigint;
}

/**
 * A ledger's journal and accounts written by the superuser: only what projections and lists read is as the
 * product would write it, so that a test can also write what the product never would.
 */
export class HandMadeJournal {
  readonly ledgerId = randomUUID();
  readonly accounts = new Map<string, Account>();
  readonly openedPositions = new Map<string, bigint>();
  readonly transactions: HandMadeTransaction[] = [];
  private readonly unwritten: WrittenEvent[] = [];
  private position = 0n;
  /** Microseconds since 1970; every event is at least one later than the one before. */
  protected recordedAt = 1_767_225_600_000_000n;

  constructor(private readonly superuser: pg.ClientBase) {}

  get head(): bigint {
    return this.position;
  }

  openAccount(settings: Partial<AccountSettings> = {}, currency = 'EUR', id: string = randomUUID()): string {
    this.open(newAccount(id, null, currency, settingsOf(settings), this.recordedAt + 1n));
    return id;
  }

  /** Microseconds after the event before. */
  post(
    postings: readonly HandMadePosting[],
    changes: Partial<Pick<HandMadeTransaction, 'type' | 'reference' | 'externalId'>> & {
      readonly effectiveAt?: bigint;
    } = {},
    afterMicros = 1n,
  ): HandMadeTransaction {
    const legs: Leg[] = [];
    const whole = postings.map((posting) => ({ currency: 'EUR', ...posting }));
    for (const { sender, recipient, amount, currency } of whole) {
      legs.push(this.leg(sender, currency, 'debit', amount, legs.length + 1));
      legs.push(this.leg(recipient, currency, 'credit', amount, legs.length + 1));
    }
    const transactionId = randomUUID();
    const { type = 'transfer', reference = null, externalId = null, effectiveAt } = changes;
    const backdated = effectiveAt === undefined ? {} : { effectiveAt };
    const transaction = { transactionId, type, reference, externalId, metadata: {}, legs, ...backdated };
    this.record({ type: 'transaction.posted', transaction }, afterMicros);
    const made = {
      position: this.position,
      transactionId,
      recordedAt: this.recordedAt,
      type,
      reference,
      externalId,
      postings: whole,
    };
    this.transactions.push(made);
    return made;
  }

  /** An event as no release writes it. */
  writeRaw(type: string, version: number, data: string): bigint {
    const effectiveAt = this.recordedAt + 1n;
    this.append({ type, version, transactionId: randomUUID(), data, effectiveAt }, 1n);
    return this.position;
  }

  /** Brings what has been made since into the database, in one transaction. */
  async commit(): Promise<void> {
    const events = this.unwritten.splice(0);
    const first = this.position - BigInt(events.length) + 1n;
    await this.superuser.query('BEGIN');
    await this.superuser.query(
      `INSERT INTO journal.events (ledger_id, epoch, position, id, type, version, transaction_id, data,
         data_salt, data_hash, actor, recorded_at, effective_at, hash)
       SELECT $1, 1, $2::bigint + e.n - 1, gen_random_uuid(), e.type, e.version, e.transaction_id, e.data::json,
         '\\x01', '\\x02', 'key_test', timestamptz 'epoch' + e.recorded_at * interval '1 microsecond',
         timestamptz 'epoch' + e.effective_at * interval '1 microsecond', '\\x03'
       FROM unnest($3::text[], $4::integer[], $5::uuid[], $6::text[], $7::bigint[], $8::bigint[]) WITH ORDINALITY
         AS e(type, version, transaction_id, data, recorded_at, effective_at, n)`,
      [
        this.ledgerId,
        first,
        events.map(({ type }) => type),
        events.map(({ version }) => version),
        events.map(({ transactionId }) => transactionId),
        events.map(({ data }) => data),
        events.map(({ recordedAt }) => recordedAt),
        events.map(({ effectiveAt }) => effectiveAt),
      ],
    );
    await this.superuser.query(
      `INSERT INTO journal.heads (ledger_id, epoch, position, hash, recorded_at) VALUES ($1, 1, $2, '\\x03', now())
       ON CONFLICT (ledger_id) DO UPDATE SET position = excluded.position`,
      [this.ledgerId, this.position],
    );
    await this.writeAccounts();
    await this.superuser.query('COMMIT');
  }

  private open(account: Account): void {
    this.record({ type: 'account.opened', account }, 1n);
    this.accounts.set(account.id, account);
    this.openedPositions.set(account.id, this.position);
  }

  private leg(
    reference: string,
    currency: string,
    direction: 'debit' | 'credit',
    amount: bigint,
    leg: number,
  ) {
    const before = this.accountOf(reference, currency);
    const account = applyLeg(before, { direction, amount }, 'post', this.recordedAt + 1n);
    this.accounts.set(account.id, account);
    return {
      leg,
      accountId: account.id,
      system: account.system,
      ownerId: account.ownerId,
      visibility: account.visibility,
      direction,
      amount,
      currency,
      posted: postedBalance(account),
      pendingIn: 0n,
      pendingOut: 0n,
      available: availableBalance(account),
      version: account.version,
      entryNumber: account.entryNumber,
    };
  }

  private accountOf(reference: string, currency: string): Account {
    const id = reference === 'ROOT' ? systemAccountId(this.ledgerId, 'ROOT', currency) : reference;
    const known = this.accounts.get(id);
    if (known) return known;
    if (reference !== 'ROOT') throw new Error(`account ${reference} was not opened`);
    const settings = settingsOf({ name: 'ROOT', minBalance: null });
    const root = newAccount(id, 'ROOT', currency, settings, this.recordedAt + 1n);
    this.open(root);
    return root;
  }

  /** An event as the product writes it; what it does to accounts is for the caller to do. */
  protected record(event: DomainEvent, afterMicros: bigint): void {
    const effectiveAt = effectiveAtOf(event, this.recordedAt + afterMicros);
    const transactionId = transactionIdOf(event);
    const data = encodeEventData(event);
    this.append({ type: event.type, version: 1, transactionId, data, effectiveAt }, afterMicros);
  }

  private append(event: Omit<WrittenEvent, 'recordedAt'>, afterMicros: bigint): void {
    this.position += 1n;
    this.recordedAt += afterMicros;
    this.unwritten.push({ ...event, recordedAt: this.recordedAt });
  }

  private async writeAccounts(): Promise<void> {
    for (const account of this.accounts.values()) {
      await this.superuser.query(
        `INSERT INTO ledger.accounts (ledger_id, id, system, name, currency, visibility, external_id, owner_id, status,
           min_balance, max_balance, posted_debits, posted_credits, pending_debits, pending_credits, version,
           settings_version, entry_number, metadata, opened_position, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 1, $17, $18, $19,
           timestamptz 'epoch' + $20::bigint * interval '1 microsecond', now())
         ON CONFLICT (ledger_id, id) DO UPDATE SET posted_debits = excluded.posted_debits,
           posted_credits = excluded.posted_credits, pending_debits = excluded.pending_debits,
           pending_credits = excluded.pending_credits, version = excluded.version,
           entry_number = excluded.entry_number`,
        [
          this.ledgerId,
          account.id,
          account.system,
          account.name,
          account.currency,
          account.visibility,
          account.externalId,
          account.ownerId,
          account.status,
          account.minBalance,
          account.maxBalance,
          account.postedDebits,
          account.postedCredits,
          account.pendingDebits,
          account.pendingCredits,
          account.version,
          account.entryNumber,
          JSON.stringify(account.metadata),
          this.openedPositions.get(account.id),
          account.createdAt,
        ],
      );
    }
  }
}
