import { readFileSync, writeFileSync } from 'node:fs';
import { Webhook } from 'standardwebhooks';

const SECRETS_MAX = 100;

/** The secrets that a webhook may be signed with, newest first; the oldest are forgotten. */
export class KnownSecrets {
  private secrets: readonly string[];

  constructor(
    given: readonly string[],
    private readonly file: string | undefined,
  ) {
    this.secrets = [...given, ...(file === undefined ? [] : keptIn(file))];
  }

  add(secret: string): void {
    this.secrets = [secret, ...this.secrets.filter((known) => known !== secret)].slice(0, SECRETS_MAX);
    if (this.file !== undefined) writeFileSync(this.file, this.secrets.join('\n'), { mode: 0o600 });
  }

  /** Null when one of the secrets verifies the signature, else what is wrong with it. */
  problemOf(body: Buffer, headers: Record<string, string>): string | null {
    let problem = 'no secret is known: POST the answer that has it to /secrets';
    for (const secret of this.secrets) {
      try {
        new Webhook(secret).verify(body, headers, { jsonParse: false });
        return null;
      } catch (error) {
        problem = error instanceof Error ? error.message : String(error);
      }
    }
    return problem;
  }
}

function keptIn(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n').filter(Boolean);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
