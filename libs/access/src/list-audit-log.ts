import { encodeTypeId } from '#contracts';
import {
  countSql,
  decodeCursor,
  exactTotalMax,
  examinedRowsMax,
  formatTimestamp,
  InvalidCursor,
  microsSql,
  pageOf,
  rowsBefore,
  StatementValues,
  totalOf,
  walkEndSql,
  walkSql,
  type CursorScope,
  type Page,
  type PageRequest,
} from '#platform';
import type { Database } from './access-database.js';

export interface AuditFilters {
  readonly actor?: string | undefined;
  readonly action?: string | undefined;
  readonly subject?: string | undefined;
  readonly createdAt: {
    readonly gte?: bigint;
    readonly gt?: bigint;
    readonly lte?: bigint;
    readonly lt?: bigint;
  };
}

export interface AuditRow {
  readonly id: string;
  readonly number: string;
  readonly at: string;
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly details: object;
}

export function presentAuditEntry({ id, at, actor, action, subject, details }: AuditRow) {
  const createdAt = formatTimestamp(BigInt(at));
  return { id: encodeTypeId('aud', id), actor, action, subject, details, createdAt };
}

/** Who changed which key, endpoint or setting of a ledger, and when; newest first. */
export async function listAuditLog(
  db: Database,
  ledgerId: string,
  filters: AuditFilters,
  page: PageRequest,
): Promise<Page<AuditRow>> {
  const scope: CursorScope = { list: 'audit-log', owner: ledgerId, filters };
  const skip = rowsBefore(page);
  const before = page.cursor === null ? null : numberOf(decodeCursor(scope, page.cursor));
  const values = new StatementValues(ledgerId);
  const driver = driverSql(before, values);
  const ofDriver = [...values.values];
  const walked = { driver, key: 'number', condition: conditionSql(filters, values) };
  const items = await db.query<AuditRow>(
    `SELECT a.id, a.number::text, ${microsSql('a.at')} AS at, a.actor, a.action, a.subject, a.details
    FROM (${walkSql(walked, skip, page.limit)}) n
    JOIN access.audit_log a ON a.ledger_id = $1 AND a.number = n.key ORDER BY n.key DESC`,
    values.values,
  );
  const isFull = items.length > page.limit;
  const [end] = isFull ? [] : await db.query<{ key: string }>(walkEndSql(walked), ofDriver);
  const total = page.wantsTotal ? await countEntries(db, ledgerId, filters) : undefined;
  const rows = { items, end: end ? [BigInt(end.key)] : null, position: 0n };
  return pageOf(page, scope, rows, ({ number }) => [BigInt(number)], total);
}

async function countEntries(db: Database, ledgerId: string, filters: AuditFilters) {
  const values = new StatementValues(ledgerId);
  const driver = driverSql(null, values);
  const walked = { driver, key: 'number', condition: conditionSql(filters, values) };
  const [counted] = await db.query<{ count: number; isCut: boolean }>(
    `SELECT (${countSql(walked, exactTotalMax + 1)}) AS count,
      EXISTS (${walkEndSql(walked, examinedRowsMax + 1)}) AS "isCut"`,
    values.values,
  );
  return totalOf(counted?.count ?? 0, counted?.isCut ?? false);
}

function driverSql(before: bigint | null, values: StatementValues): string {
  const rows = 'SELECT number, at, actor, action, subject FROM access.audit_log WHERE ledger_id = $1';
  return before === null ? rows : `${rows} AND number < ${values.add(before)}`;
}

function conditionSql(
  { actor, action, subject, createdAt }: AuditFilters,
  values: StatementValues,
): string | null {
  const conditions = [
    ...Object.entries({ actor, action, subject })
      .filter(([, text]) => text !== undefined)
      .map(([column, text]) => `e.${column} = ${values.add(text)}`),
    ...Object.entries(createdAt).map(([bound, micros]) => {
      const operator = operators[bound as keyof typeof operators];
      return `e.at ${operator} ${values.add(formatTimestamp(micros))}::timestamptz`;
    }),
  ];
  return conditions.length === 0 ? null : conditions.join(' AND ');
}

const operators = { gte: '>=', gt: '>', lte: '<=', lt: '<' } as const;

function numberOf([number, ...rest]: readonly bigint[]): bigint {
  if (number === undefined || rest.length > 0) throw new InvalidCursor();
  return number;
}
