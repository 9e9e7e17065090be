/** Minor units: the bigint of the domain, or the digits that the journal stores. Shown as digits. */
export type Amount = bigint | string;
