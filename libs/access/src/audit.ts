/** A connection in a transaction: pg's own, or ours. */
interface Queries {
  query(text: string, values: unknown[]): Promise<unknown>;
}

export interface AuditEntry {
  /** Null for what concerns no single ledger. */
  readonly ledgerId: string | null;
  /** `key_…` of whoever asked for it, or the name of what does so without a key: operator, cli, dispatcher, environment. */
  readonly actor: string;
  readonly action: string;
  /** The id of what was changed, as it is shown. */
  readonly subject: string;
  /** Never a secret, nor the value of a header, which may be one. */
  readonly details: object;
}

/** Written in the transaction of the change itself. */
export async function writeAudit(db: Queries, entry: AuditEntry): Promise<void> {
  await db.query(
    `INSERT INTO access.audit_log (ledger_id, actor, action, subject, details) VALUES ($1, $2, $3, $4, $5)`,
    [entry.ledgerId, entry.actor, entry.action, entry.subject, JSON.stringify(entry.details)],
  );
}
