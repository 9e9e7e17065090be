import { Inject } from '@nestjs/common';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import type pg from 'pg';
import { mayAskFor, type Reader } from '#contracts';
import type { Account, SystemAccountName } from '#domain';
import { systemAccountId } from '#journal';
import { microsSql } from '#platform';
import { READ_POOL } from '../database.js';
import { accountColumnsSql, readAccountRow, type AccountRow } from './account-row.js';

/** An account by its UUID, or a currency's system account. */
export type AccountSelector =
  { readonly id: string } | { readonly system: SystemAccountName; readonly currency: string };

/** An account with the ledger's position and the database's time at which it was so. */
export interface AccountAt {
  readonly account: Account;
  readonly position: bigint;
  readonly asOf: bigint;
}

/** Null: there is none, or none that the reader may ask for. The two cost the same. */
export class GetAccount extends Query<AccountAt | null> {
  constructor(
    readonly ledgerId: string,
    readonly selector: AccountSelector,
    /** The money is for those alone who see the balance. */
    readonly sought: 'account' | 'money',
    readonly reader: Reader,
  ) {
    super();
  }
}

@QueryHandler(GetAccount)
export class GetAccountHandler implements IQueryHandler<GetAccount> {
  constructor(@Inject(READ_POOL) private readonly pool: pg.Pool) {}

  async execute({ ledgerId, selector, sought, reader }: GetAccount): Promise<AccountAt | null> {
    const isSystem = 'system' in selector;
    const id = isSystem ? systemAccountId(ledgerId, selector.system, selector.currency) : selector.id;
    const found = await findAccount(this.pool, ledgerId, id, isSystem);
    return found && mayAskFor(found.account, sought, reader) ? found : null;
  }
}

async function findAccount(
  pool: pg.Pool,
  ledgerId: string,
  id: string,
  isSystem: boolean,
): Promise<AccountAt | null> {
  const { rows } = await pool.query<AccountRow & { head_position: string; as_of: string }>({
    name: 'find-account',
    text: `SELECT ${accountColumnsSql('a')}, h.position::text AS head_position,
        ${microsSql('statement_timestamp()')} AS as_of
      FROM ledger.accounts a JOIN journal.heads h ON h.ledger_id = a.ledger_id
      WHERE a.ledger_id = $1 AND a.id = $2 AND (a.system IS NOT NULL) = $3`,
    values: [ledgerId, id, isSystem],
  });
  const row = rows[0];
  if (!row) return null;
  return { account: readAccountRow(row), position: BigInt(row.head_position), asOf: BigInt(row.as_of) };
}
