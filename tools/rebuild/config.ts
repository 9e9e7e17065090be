import { readVerifySettings } from '../verify/config.js';
import { CannotStart } from '../start/cannot-start.js';
import type { OwnerDatabaseSettings } from '../start/owner-database.js';
import { projections } from './projections.js';

export interface RebuildToolSettings {
  readonly database: OwnerDatabaseSettings;
  /** Absent: all of them are listed. */
  readonly projection: string | undefined;
  readonly repair: boolean;
}

const usage = `Usage: npm run rebuild -- [<projection> [--repair]]

Without a projection: lists them. With one: builds it again from the journal and compares every row. Where nothing
differs, what was built takes the place of the lists' tables; where something does, nothing is changed and the exit
code is 1, unless --repair is given. The database is DATABASE_URL, as its owner, or the one in DATA_DIR.`;

export function readRebuildSettings(args: readonly string[]): RebuildToolSettings {
  const unknown = args.filter((arg) => arg.startsWith('-') && arg !== '--repair');
  const [projection, ...others] = args.filter((arg) => !arg.startsWith('-'));
  if (unknown.length > 0 || others.length > 0) throw new CannotStart(usage);
  const repair = args.includes('--repair');
  if (projection === undefined && repair) throw new CannotStart(usage);
  if (projection !== undefined && !projections.some(({ name }) => name === projection)) {
    const names = projections.map(({ name }) => name).join(', ');
    throw new CannotStart(`There is no projection ${projection}; there are ${names}.`);
  }
  return { database: readVerifySettings(), projection, repair };
}
