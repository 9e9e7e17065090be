import { Inject } from '@nestjs/common';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import type pg from 'pg';
import { isTransactionEvent } from '#domain';
import { decodeEvent, readTransaction, type RecordedEvent } from '#journal';
import { READ_POOL } from '../database.js';
import type { ListedTransaction } from './list-transactions.js';

/**
 * The event that made a transaction, and how far it has come, straight from the journal: no projection has to catch
 * up. Null where there is no such transaction, or none that touches an account of the owner who reads.
 */
export class GetTransaction extends Query<ListedTransaction | null> {
  constructor(
    readonly ledgerId: string,
    readonly transactionId: string,
    readonly ownerId: string | null,
  ) {
    super();
  }
}

@QueryHandler(GetTransaction)
export class GetTransactionHandler implements IQueryHandler<GetTransaction> {
  constructor(@Inject(READ_POOL) private readonly pool: pg.Pool) {}

  async execute({ ledgerId, transactionId, ownerId }: GetTransaction): Promise<ListedTransaction | null> {
    const found = await readTransaction(this.pool, ledgerId, transactionId);
    if (!found) return null;
    const { first, progress, hold } = found;
    const isSeen = ownerId === null || (await this.isOwn(ledgerId, ownerId, first));
    return isSeen ? { recorded: first, progress, hold } : null;
  }

  private async isOwn(ledgerId: string, ownerId: string, first: RecordedEvent): Promise<boolean> {
    return touches(first, ownerId) ?? (await isListedFor(this.pool, ledgerId, ownerId, first.position));
  }
}

/** Whether one side is an account of the owner's; null where the data that says so was erased. */
function touches(recorded: RecordedEvent, ownerId: string): boolean | null {
  const event = decodeEvent(recorded);
  if (!event) return null;
  if (!isTransactionEvent(event)) return false;
  return event.transaction.legs.some((leg) => leg.system === null && leg.ownerId === ownerId);
}

/** The lists still know whose an erased transaction was. */
async function isListedFor(
  pool: pg.Pool,
  ledgerId: string,
  ownerId: string,
  position: bigint,
): Promise<boolean> {
  const { rowCount } = await pool.query({
    name: 'is-listed-for-owner',
    text: `SELECT FROM projections.event_owners WHERE ledger_id = $1 AND owner_id = $2 AND position = $3`,
    values: [ledgerId, ownerId, position],
  });
  return rowCount === 1;
}
