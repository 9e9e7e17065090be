import { parseArgs } from 'node:util';

export class InvalidOption extends Error {}

/** By flag: the variable that means the same, the default, what it is. */
export type OptionTable = Readonly<
  Record<string, readonly [variable: string, standard: string, meaning: string]>
>;

export type Environment = Readonly<Record<string, string | undefined>>;

/** The options of one run. A flag wins over its variable. */
export class Options<Flag extends string> {
  private readonly flags: Partial<Record<string, string>>;

  constructor(
    private readonly table: Readonly<Record<Flag, OptionTable[string]>>,
    args: readonly string[],
    private readonly environment: Environment,
  ) {
    const flags = Object.keys(table).map((flag) => [flag, { type: 'string' }] as const);
    try {
      this.flags = parseArgs({ args: [...args], options: Object.fromEntries(flags) }).values;
    } catch (error) {
      throw new InvalidOption(`${error instanceof Error ? error.message : String(error)}\n\n${this.usage()}`);
    }
  }

  text(flag: Flag): string {
    const [variable, standard] = this.table[flag];
    return this.flags[flag] ?? (this.environment[variable] || standard);
  }

  number(flag: Flag, min: number, max: number): number {
    return wholeNumber(flag, this.text(flag), min, max);
  }

  numbers(flag: Flag, min: number, max: number): number[] {
    return this.text(flag)
      .split(',')
      .map((item) => wholeNumber(flag, item, min, max));
  }

  /** Some of the names, in the order asked for. */
  names<Name extends string>(flag: Flag, known: readonly Name[]): Name[] {
    return this.text(flag)
      .split(',')
      .map((name) => oneOf(flag, name, known));
  }

  name<Name extends string>(flag: Flag, known: readonly Name[]): Name {
    return oneOf(flag, this.text(flag), known);
  }

  private usage(): string {
    const lines = Object.entries<OptionTable[string]>(this.table).map(
      ([flag, [variable, standard, meaning]]) =>
        `  --${flag.padEnd(15)} ${variable.padEnd(22)} ${meaning}${standard === '' ? '' : ` (${standard})`}`,
    );
    return `Options, each with a variable that means the same:\n${lines.join('\n')}`;
  }
}

function oneOf<Name extends string>(flag: string, name: string, known: readonly Name[]): Name {
  const found = known.find((each) => each === name);
  if (found !== undefined) return found;
  throw new InvalidOption(`--${flag} knows ${known.join(', ')}, and not "${name}".`);
}

function wholeNumber(flag: string, text: string, min: number, max: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
  if (value >= min && value <= max) return value;
  throw new InvalidOption(`--${flag} must be a whole number from ${min} to ${max}, and is "${text}".`);
}

const PASSED_ON = [
  'PATH',
  'HOME',
  'TMPDIR',
  'NODE_OPTIONS',
  'LOG_LEVEL',
  'LEDGER_ROLE',
  'DATABASE_URL',
  'EMBEDDED_POSTGRES_BIN',
];

/** What the product that a benchmark starts sees of our environment: with KAFKA_BROKERS its stream is Kafka. */
export function productEnvironment(
  environment: Environment,
  { withKafka = true }: { withKafka?: boolean } = {},
): Record<string, string> {
  const kafka = Object.keys(environment).filter((name) => withKafka && name.startsWith('KAFKA_'));
  const names = [...PASSED_ON, ...kafka];
  return Object.fromEntries(names.flatMap((name) => (environment[name] ? [[name, environment[name]]] : [])));
}
