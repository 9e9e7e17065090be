import type pg from 'pg';
import { decodeTypeId } from '#contracts';
import type { StreamMessage, Subscriber } from '#event-stream';
import type { Logger } from '#platform';
import type { DeliveryMetrics } from '../delivery/delivery-metrics.js';
import { decideIntake, type DecidedIntake, type IntakeLedger } from './decide-intake.js';
import type { ReadEvent } from './read-message.js';
import { keepAside, openIntake, park, writeIntake } from './write-intake.js';

export const subscriberName = 'webhooks';

export interface IntakeParts {
  readonly logger: Logger;
  readonly metrics: DeliveryMetrics;
  /** Whether a day's partitions are known to be there. */
  readonly isDayMade: (day: string) => boolean;
  /** Events that are about to be delivered, most likely from this process. */
  readonly onEvents?: (events: readonly ReadEvent[]) => void;
  readonly now?: () => number;
}

/**
 * Takes events in: stores them, and makes a delivery for each endpoint that wants one, in the transaction in
 * which the stream's position is saved. A repeat changes nothing, whatever its origin: what counts is where the
 * event stands in its ledger. What can't be understood is kept aside, its ledger is parked, and the others go on.
 */
export class Intake implements Subscriber {
  readonly name = subscriberName;

  constructor(private readonly parts: IntakeParts) {}

  async handle(db: pg.ClientBase, messages: readonly StreamMessage[]): Promise<number> {
    const given = messages.map((message) => ({ message, ledgerId: decodeTypeId('ldg', message.key) }));
    const ledgerIds = new Set(given.map(({ ledgerId }) => ledgerId).filter((id) => id !== null));
    const ledgers = ledgerIds.size === 0 ? [] : await openIntake(db, [...ledgerIds]);
    const taken = given.slice(0, countOfTurn(ledgers, given));
    const { byLedger, keyless } = groupByLedger(taken);
    const decided = ledgers.map((ledger) => decideIntake(ledger, byLedger.get(ledger.ledgerId) ?? []));
    await this.write(db, decided);
    if (keyless.length > 0) {
      await keepAside(
        db,
        null,
        keyless.map((message) => ({ message, reason: 'its key is no ledger' })),
      );
      this.parts.logger.error(
        { origins: keyless.slice(0, 10).map(({ origin }) => origin) },
        'messages of no ledger were kept aside as dead letters',
      );
    }
    return taken.length;
  }

  private async write(db: pg.ClientBase, decided: readonly DecidedIntake[]): Promise<void> {
    const { now = Date.now, isDayMade, logger, metrics, onEvents } = this.parts;
    for (const { ledgerId, kept, parkedBy } of decided) {
      if (kept.length > 0) await keepAside(db, ledgerId, kept);
      if (parkedBy !== null) {
        await park(db, ledgerId, parkedBy);
        const origin = kept.find(({ reason }) => reason !== null)?.message.origin;
        logger.error({ ledgerId, origin, reason: parkedBy }, 'a ledger is parked: see its dead letters');
      }
    }
    await writeIntake(db, decided, { nowMs: now(), isDayMade });
    for (const { events, deliveries, repeats, kept } of decided) {
      metrics.intakeEvents.inc({ result: 'stored' }, events.length);
      metrics.intakeEvents.inc({ result: 'repeated' }, repeats);
      metrics.intakeEvents.inc({ result: 'kept_aside' }, kept.length);
      if (deliveries.length > 0) onEvents?.(events);
    }
  }
}

/** With the UUID that its key says; null for a key that is no ledger. */
interface GivenMessage {
  readonly message: StreamMessage;
  readonly ledgerId: string | null;
}

/** A ledger may have a thousand endpoints: how many deliveries one transaction may come to, or one event's. */
const deliveriesPerTurnMax = 20_000;

/** How many of the messages, if all endpoints wanted all of them. */
function countOfTurn(ledgers: readonly IntakeLedger[], given: readonly GivenMessage[]): number {
  const listening = new Map(ledgers.map(({ ledgerId, endpoints }) => [ledgerId, endpoints.length]));
  let deliveries = 0;
  const count = given.findIndex(({ ledgerId }, index) => {
    deliveries += listening.get(ledgerId ?? '') ?? 0;
    return deliveries > deliveriesPerTurnMax && index > 0;
  });
  return count === -1 ? given.length : count;
}

function groupByLedger(given: readonly GivenMessage[]) {
  const byLedger = new Map<string, StreamMessage[]>();
  const keyless: StreamMessage[] = [];
  for (const { message, ledgerId } of given) {
    if (ledgerId === null) {
      keyless.push(message);
      continue;
    }
    const group = byLedger.get(ledgerId);
    if (group) group.push(message);
    else byLedger.set(ledgerId, [message]);
  }
  return { byLedger, keyless };
}
