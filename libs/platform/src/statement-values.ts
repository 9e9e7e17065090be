/** Collects the values of a statement; $1 is what all of its tables are of. */
export class StatementValues {
  readonly values: unknown[];

  constructor(first: string) {
    this.values = [first];
  }

  /** What stands for the value in the statement's text. */
  add(value: unknown): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }
}
