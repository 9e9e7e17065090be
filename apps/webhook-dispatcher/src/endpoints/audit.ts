import type pg from 'pg';

export interface AuditEntry {
  readonly ledgerId: string;
  /** `key_…` of whoever asked for it. */
  readonly actor: string;
  readonly action: string;
  /** `whe_…` */
  readonly subject: string;
  /** Never a secret, nor the value of a header, which may be one. */
  readonly details: object;
}

/** Written in the transaction of the change itself. */
export async function writeAudit(db: pg.ClientBase, entry: AuditEntry): Promise<void> {
  await db.query(
    `INSERT INTO dispatcher.audit_entries (ledger_id, actor, action, subject, details)
    VALUES ($1, $2, $3, $4, $5)`,
    [entry.ledgerId, entry.actor, entry.action, entry.subject, JSON.stringify(entry.details)],
  );
}
