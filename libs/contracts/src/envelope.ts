import type { Visibility } from './visibility.js';

/** An event as subscribers read it: the body of a webhook, and the heart of a Kafka message. */
export interface EventEnvelope {
  /** Of this format. Changes are additive. */
  readonly version: 1;
  /** `evt_…`: the same in every repeat, so that whoever has seen it can drop it. */
  readonly id: string;
  readonly type: string;
  /** `ldg_…` */
  readonly ledgerId: string;
  /** How often the ledger was restored; events are ordered by (epoch, position). */
  readonly epoch: number;
  /** From 1, without a gap, as a digit string. */
  readonly position: string;
  /** ISO 8601 in UTC with six decimals. */
  readonly occurredAt: string;
  /** The resource as the HTTP API shows it; null once it was erased. */
  readonly data: Readonly<Record<string, unknown>> | null;
}

/**
 * One account that an event touched, as it is after it, for those who match, order and redact. Amounts are digit
 * strings in minor units; null in the one leg of an account event, which moves nothing.
 */
export interface EnvelopeLeg {
  readonly leg: number;
  /** `acc_…`, of system accounts too. */
  readonly accountId: string;
  /** ROOT or EXCHANGE, where it is a system account, else null. */
  readonly system: string | null;
  readonly ownerId: string | null;
  readonly visibility: Visibility;
  readonly direction: 'debit' | 'credit' | null;
  readonly currency: string;
  readonly amount: string | null;
  readonly posted: string | null;
  readonly pendingIn: string | null;
  readonly pendingOut: string | null;
  readonly available: string | null;
  readonly version: number;
  readonly entryNumber: number;
}

/** The value of a message of `ledger.events.v1`. Legs are for the way, and are not sent to webhooks. */
export interface StreamEvent extends EventEnvelope {
  readonly legs: readonly EnvelopeLeg[];
}

/** The value of a message of `ledger.entries.v1`: one side of a posting that has settled. */
export interface EntryMessage {
  readonly version: 1;
  /** `<event id>.<leg>` */
  readonly id: string;
  readonly ledgerId: string;
  readonly accountId: string;
  /** Counts the account's posted legs from 1, without a gap. */
  readonly entryNumber: number;
  readonly direction: 'debit' | 'credit';
  readonly amount: string;
  readonly currency: string;
  readonly balanceAfter: string;
  readonly transactionId: string;
  readonly eventId: string;
  readonly epoch: number;
  readonly position: string;
  readonly reference: string | null;
  readonly occurredAt: string;
}
