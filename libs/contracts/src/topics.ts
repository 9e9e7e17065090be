/** What the ledger publishes. A change that is not additive is a topic of another name. */
export const topics = {
  /** Every event of every ledger, keyed by the ledger: in order within it. */
  events: 'ledger.events.v1',
  /** One message per side of a posting that has settled, keyed by the account: in order within it. */
  entries: 'ledger.entries.v1',
} as const;

export type Topic = (typeof topics)[keyof typeof topics];

/** Of a message's value. What would be larger must not get into the journal. */
export const messageBytesMax = 256 * 1_024;
