/** Collects the values of a statement on one ledger's tables: $1 is the ledger, in all of them. */
export class StatementValues {
  readonly values: unknown[];

  constructor(ledgerId: string) {
    this.values = [ledgerId];
  }

  /** What stands for the value in the statement's text. */
  add(value: unknown): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }
}

/** A pattern of LIKE for a text anywhere in another, whatever characters it has. */
export function substringPattern(text: string): string {
  return `%${text.replace(/[\\%_]/g, (character) => `\\${character}`)}%`;
}

/** Three letters or digits in a row are what a trigram index holds; for less it would be read as a whole. */
export function hasTrigram(text: string): boolean {
  return /[a-z0-9]{3}/i.test(text);
}
