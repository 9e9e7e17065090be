import type pg from 'pg';
import type { Principal } from '#access';
import { eventTypes, type WebhookBody } from '#contracts';
import { formatTimestamp, newUuid, type SecretBox } from '#platform';
import type { AttemptOutcome, AttemptTarget } from '../delivery/attempt-outcome.js';
import type { Sender } from '../delivery/sender.js';
import { eventIdOf, ledgerIdOf } from '../http/ids.js';
import { endpointNotFound, testsOverloaded } from '../http/refusals.js';
import { testsMax } from './endpoint-limits.js';
import { isOwnEndpointSql } from './find-endpoint.js';

/**
 * Sends endpoints an example while their owner waits. Nothing is kept of it, a disabled endpoint can be tested,
 * and its connections are its own, so that a test takes nothing from deliveries.
 */
export class EndpointTester {
  private running = 0;

  constructor(
    private readonly pool: pg.Pool,
    private readonly secrets: SecretBox,
    private readonly sender: Sender,
  ) {}

  async test(caller: Principal, endpointId: string, eventType: string): Promise<AttemptOutcome> {
    if (this.running >= testsMax) throw testsOverloaded();
    this.running += 1;
    try {
      const target = await this.targetOf(caller, endpointId);
      const event = exampleOf(eventType, caller.ledgerId);
      return await this.sender.send(target, { id: event.id, body: JSON.stringify(event) });
    } finally {
      this.running -= 1;
      void this.sender.forget(endpointId);
    }
  }

  stop(): Promise<void> {
    return this.sender.stop();
  }

  private async targetOf({ ledgerId, ownerId }: Principal, endpointId: string): Promise<AttemptTarget> {
    const { rows } = await this.pool.query<TargetRow>(
      `SELECT url, headers, legacy_signature_header, secret,
        CASE WHEN previous_secret_until > clock_timestamp() THEN previous_secret END AS previous_secret
      FROM dispatcher.endpoints
      WHERE ledger_id = $1 AND ${isOwnEndpointSql} AND id = $3 AND deleted_at IS NULL`,
      [ledgerId, ownerId, endpointId],
    );
    const [row] = rows;
    if (!row) throw endpointNotFound();
    const sealed = [row.secret, ...(row.previous_secret ? [row.previous_secret] : [])];
    return {
      endpointId,
      url: row.url,
      headers: row.headers,
      legacySignatureHeader: row.legacy_signature_header,
      secrets: sealed.map((secret) => this.secrets.open(secret, endpointId)),
    };
  }
}

interface TargetRow {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly legacy_signature_header: string | null;
  readonly secret: Buffer;
  readonly previous_secret: Buffer | null;
}

/** With an id of its own, which no receiver drops as a repeat. */
function exampleOf(eventType: string, ledgerId: string): WebhookBody {
  const found = eventTypes.find(({ type }) => type === eventType);
  if (!found) throw new Error(`${eventType} has no example`);
  const occurredAt = formatTimestamp(BigInt(Date.now()) * 1_000n);
  return { ...found.example, id: eventIdOf(newUuid()), ledgerId: ledgerIdOf(ledgerId), occurredAt };
}
