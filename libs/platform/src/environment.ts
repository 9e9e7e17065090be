import { cleanEnv, type ValidatorSpec } from 'envalid';

/** A setting that can't be used: the message names it, and the process is not to start. */
export class InvalidSettings extends Error {}

/** Reads settings from the environment; every one that is missing or wrong is named in one sentence. */
export function readEnvironment<Settings extends object>(
  environment: NodeJS.ProcessEnv,
  specs: { [Name in keyof Settings]: ValidatorSpec<Settings[Name]> },
): Readonly<Settings> {
  return cleanEnv(environment, specs, {
    reporter: ({ errors }) => {
      const problems = Object.entries(errors).map(([name, error]) => `${name} ${problemOf(error as Error)}`);
      if (problems.length > 0) throw new InvalidSettings(`${problems.join('; ')}.`);
    },
  }) as Readonly<Settings>;
}

function problemOf(error: Error): string {
  return error.name === 'EnvMissingError' ? 'is not set' : `is wrong: ${error.message}`;
}
