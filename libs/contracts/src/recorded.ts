/** Where the event stands in the journal that made what is shown. */
export interface Recorded {
  readonly position: bigint | string;
  /** ISO 8601 in UTC with six decimals. */
  readonly recordedAt: string;
}
