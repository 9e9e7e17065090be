import pg from 'pg';
import { ProjectionVerifier } from '../../apps/ledger/src/projections/verify-projections.js';
import { encodeTypeId } from '#contracts';
import { listLedgers, verifyLedger, type Difference } from '#journal';

/** Recomputes every ledger of a database and says what it found; false at the first difference. */
export async function verifyDatabase(ownerUrl: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: ownerUrl, application_name: 'ledger-verify' });
  await client.connect();
  try {
    // One moment of the whole database, while the product may go on writing. The lock comes before that moment, so that
    // no rebuild puts tables in their place that were not filled yet.
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    await client.query('LOCK TABLE projections.transactions IN ACCESS SHARE MODE');
    await client.query("SET LOCAL timezone = 'UTC'");
    for (const ledgerId of await listLedgers(client)) {
      const name = encodeTypeId('ldg', ledgerId);
      const projections = await ProjectionVerifier.open(client, ledgerId);
      const { events, erased, accounts, difference } = await verifyLedger(
        client,
        ledgerId,
        projections.observe,
      );
      const first = difference ?? (await projections.finish());
      if (first) {
        report(name, first);
        return false;
      }
      const erasures = erased > 0 ? `, ${erased} erased` : '';
      console.log(`${name}: ${events} events${erasures}, ${accounts} accounts: as the journal says.`);
    }
    await client.query('COMMIT');
    return true;
  } finally {
    await client.end();
  }
}

function report(ledger: string, { subject, position, expected, found }: Difference): void {
  const at = position === null ? '' : ` at position ${position}`;
  console.error(`${ledger}: ${subject}${at} differs.\n  expected: ${expected}\n  found:    ${found}`);
}
