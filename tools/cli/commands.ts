import { parseArgs, type ParseArgsConfig } from 'node:util';
import { CannotStart } from '../start/cannot-start.js';

export interface CliCommand {
  /** What comes behind its name. */
  readonly usage: string;
  /** It gets what comes behind its name. */
  run(args: readonly string[]): Promise<void>;
}

/** By name, of two words. */
export type Commands = Readonly<Record<string, CliCommand>>;

type Options = NonNullable<ParseArgsConfig['options']>;

/** The values of options, and exactly the positional arguments that are named, in their order. */
export function optionsOf<const O extends Options>(
  args: readonly string[],
  names: readonly string[],
  options: O,
) {
  const { values, positionals } = parsed(args, options);
  const missing = names[positionals.length];
  if (missing !== undefined) throw new CannotStart(`<${missing}> is missing.`);
  const [extra] = positionals.slice(names.length);
  if (extra !== undefined) throw new CannotStart(`"${extra}" is one argument too many.`);
  return { values, positionals };
}

/** As above, where there are no options. */
export function argumentsOf<const Names extends readonly string[]>(args: readonly string[], names: Names) {
  return optionsOf(args, names, {}).positionals as unknown as { [Index in keyof Names]: string };
}

function parsed<const O extends Options>(args: readonly string[], options: O) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new CannotStart((error as Error).message);
  }
}
