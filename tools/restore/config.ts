import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { decodeTypeId } from '#contracts';
import { parsePostgresUrl } from '../migrate/postgres-url.js';
import { CannotStart, messageOf } from '../start/cannot-start.js';

/** Where a restore ends: with the last that was archived, at a time, or with the commit of a ledger's event. */
export type RestoreTarget =
  | { readonly kind: 'latest' }
  | { readonly kind: 'time'; readonly at: Date; /** To the microsecond. */ readonly text: string }
  | {
      readonly kind: 'position';
      readonly ledger: string;
      readonly ledgerId: string;
      readonly position: bigint;
    };

export type RestoreSettings = FinishSettings | FromSettings;

/** The second half alone, of a database that other means have restored. */
export interface FinishSettings {
  readonly kind: 'finish';
  /** Absent: the embedded Postgres of the data directory. */
  readonly ownerUrl: string | undefined;
  readonly dataDirectory: string;
}

export interface FromSettings {
  readonly kind: 'from';
  readonly directory: string;
  readonly target: RestoreTarget;
  /** For a base backup. */
  readonly dataDirectory: string | undefined;
  /** In place of those of the backup. */
  readonly secretsDirectory: string | undefined;
  /** For a dump. */
  readonly ownerUrl: string | undefined;
  /** Where pg_restore is; absent: on the path. */
  readonly postgresBin: string | undefined;
}

const usage = `Usage: npm run restore -- --from <directory> --data-dir <new directory>
         [--to-time <2026-11-28T20:43:00Z> | --to-position <ldg_…:position>] [--secrets <directory>]
       npm run restore -- --from <directory>   of a dump, into the empty database of DATABASE_URL
       npm run restore -- --finish             for the database of DATABASE_URL, or of --data-dir, that was
                                               restored by other means`;

export function readRestoreSettings(
  environment: Readonly<Record<string, string | undefined>> = process.env,
  args: readonly string[] = process.argv.slice(2),
): RestoreSettings {
  const values = readArguments(args);
  const ownerUrl = environment['DATABASE_URL'] || undefined;
  if (ownerUrl !== undefined) parsePostgresUrl('DATABASE_URL', ownerUrl);
  const { from, 'data-dir': dataDirectory, 'to-time': time, 'to-position': position, secrets } = values;
  if (values.finish) {
    if (from ?? time ?? position ?? secrets) throw new CannotStart(`--finish restores nothing.\n\n${usage}`);
    const directory = resolve(dataDirectory ?? (environment['DATA_DIR'] || '.data'));
    return { kind: 'finish', ownerUrl, dataDirectory: directory };
  }
  if (from === undefined) throw new CannotStart(usage);
  if (time !== undefined && position !== undefined) {
    throw new CannotStart(`--to-time and --to-position are two ends: name one.\n\n${usage}`);
  }
  return {
    kind: 'from',
    directory: resolve(from),
    target: targetOf(time, position),
    dataDirectory: dataDirectory === undefined ? undefined : resolve(dataDirectory),
    secretsDirectory: secrets === undefined ? undefined : resolve(secrets),
    ownerUrl,
    postgresBin: environment['POSTGRES_BIN'] || undefined,
  };
}

/** A time without its zone would be of another place than was meant. */
const zonedTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)$/;

function targetOf(time: string | undefined, position: string | undefined): RestoreTarget {
  if (time !== undefined) {
    const at = new Date(time);
    if (zonedTime.test(time) && !Number.isNaN(at.getTime())) return { kind: 'time', at, text: time };
    throw new CannotStart(`--to-time ${time} must be of the form 2026-11-28T20:43:00Z, its zone included.`);
  }
  if (position === undefined) return { kind: 'latest' };
  const [ledger = '', number = ''] = position.split(':');
  const ledgerId = decodeTypeId('ldg', ledger);
  if (ledgerId !== null && /^[1-9]\d{0,17}$/.test(number)) {
    return { kind: 'position', ledger, ledgerId, position: BigInt(number) };
  }
  throw new CannotStart(`--to-position ${position} must be a ledger and a position of it: ldg_…:123.`);
}

function readArguments(args: readonly string[]) {
  try {
    const text = { type: 'string' } as const;
    const options = {
      from: text,
      'data-dir': text,
      'to-time': text,
      'to-position': text,
      secrets: text,
    } as const;
    return parseArgs({ args: [...args], options: { ...options, finish: { type: 'boolean' } } }).values;
  } catch (error) {
    throw new CannotStart(`${messageOf(error)}\n\n${usage}`);
  }
}
