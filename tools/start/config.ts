import { resolve } from 'node:path';
import { parsePostgresUrl } from '../migrate/postgres-url.js';
import { CannotStart } from './cannot-start.js';

export interface StartSettings {
  readonly port: number;
  readonly dispatcherPort: number;
  readonly dataDirectory: string;
  /** Absent: made at the first start and kept in the data directory. */
  readonly bootstrapApiKey: string | undefined;
  readonly secretsKey: string | undefined;
  readonly ledgerRole: LedgerRole;
  /** Absent: the embedded Postgres. */
  readonly externalPostgres: ExternalPostgres | undefined;
  /** What every app gets as it is, because the system or Node needs it. */
  readonly surroundings: Readonly<Record<string, string>>;
  /** Each app's own limits and the like; it checks them itself. */
  readonly ledgerSettings: Readonly<Record<string, string>>;
  readonly dispatcherSettings: Readonly<Record<string, string>>;
  /** Those of them that nobody has set, and that are only good for trying the product out. */
  readonly openings: Readonly<Record<string, string>>;
  /** Where Kafka is and how to log in there: both apps are told. Empty: the stream is read from Postgres. */
  readonly kafkaSettings: Readonly<Record<string, string>>;
  /** `npm run start:kafka` without a cluster of yours: we start a broker. */
  readonly startsKafka: boolean;
  /** Absent where webhooks can't go to this machine: the tour has no lines about them then. */
  readonly receiver: ReceiverPlan | undefined;
}

export interface ReceiverPlan {
  readonly port: number;
  /** Else another port will do as well. */
  readonly isPortGiven: boolean;
}

export interface ExternalPostgres {
  readonly ownerUrl: string;
  readonly ledgerUrl: string | undefined;
  readonly dispatcherUrl: string | undefined;
}

export type LedgerRole = (typeof LEDGER_ROLES)[number];

const LEDGER_ROLES = ['all', 'api', 'worker'] as const;
const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];
const SURROUNDINGS = ['PATH', 'HOME', 'USER', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR'];
const NODE_SETTINGS = ['NODE_ENV', 'NODE_OPTIONS', 'NODE_EXTRA_CA_CERTS', 'LOG_LEVEL'];

/** Of clients' connections to either app. */
const CONNECTION_SETTINGS = [
  'CONNECTIONS_MAX',
  'HEADERS_TIME_MS',
  'BODY_TIME_MS',
  'KEEP_ALIVE_MS',
  'STALLED_MS',
];

const LEDGER_SETTINGS = [
  ...CONNECTION_SETTINGS,
  'HOST',
  'OPERATOR_API_KEY',
  'RATE_LIMIT_STORE',
  'REQUEST_TIME_MS',
  'BODY_BYTES_MAX',
  'BATCH_BODY_BYTES_MAX',
  'BODIES_BYTES_MAX',
  'QUEUE_COMMANDS_MAX',
  'QUEUE_COMMANDS_PER_LEDGER_MAX',
  'QUEUE_BYTES_MAX',
  'WRITE_CONNECTIONS_MAX',
  'READ_CONNECTIONS_MAX',
  'WORKER_CONNECTIONS_MAX',
  'PROJECTION_WAIT_MS',
  'SHUTDOWN_MS',
  'DISPATCHER_URL',
  'DISPATCHER_TIME_MS',
  'DISPATCHER_CONNECTIONS_MAX',
];

const DISPATCHER_SETTINGS = [
  ...CONNECTION_SETTINGS,
  'HOST',
  'RATE_LIMIT_STORE',
  'WEBHOOK_ALLOW_HTTP',
  'WEBHOOK_ALLOWED_RANGES',
  'BODY_BYTES_MAX',
  'BODIES_BYTES_MAX',
  'API_CONNECTIONS_MAX',
  'DELIVERY_CONNECTIONS_MAX',
  'SHUTDOWN_MS',
];

/** For trying the product out on one machine. Where it is meant seriously they would be holes. */
const WEBHOOKS_TO_THIS_MACHINE = {
  WEBHOOK_ALLOW_HTTP: 'true',
  WEBHOOK_ALLOWED_RANGES: '127.0.0.0/8,::1/128',
};

type Environment = Readonly<Record<string, string | undefined>>;

/** The only reader of the environment here; the first value that can't be meant stops the start by its name. */
export function readStartSettings(
  environment: Environment = process.env,
  args: readonly string[] = process.argv.slice(2),
): StartSettings {
  const of = (name: string): string | undefined => environment[name] || undefined;
  oneOf('LOG_LEVEL', of('LOG_LEVEL') ?? 'info', LOG_LEVELS);
  const openings = of('NODE_ENV') === 'production' ? {} : without(WEBHOOKS_TO_THIS_MACHINE, of);
  const dispatcherSettings = { ...openings, ...those(of, DISPATCHER_SETTINGS) };
  return {
    port: port('PORT', of('PORT') ?? '3000'),
    dispatcherPort: port('DISPATCHER_PORT', of('DISPATCHER_PORT') ?? '3001'),
    dataDirectory: resolve(of('DATA_DIR') ?? '.data'),
    bootstrapApiKey:
      of('BOOTSTRAP_API_KEY') && bootstrapApiKey('BOOTSTRAP_API_KEY', of('BOOTSTRAP_API_KEY') ?? ''),
    secretsKey: of('SECRETS_KEY') && secretsKey('SECRETS_KEY', of('SECRETS_KEY') ?? ''),
    ledgerRole: oneOf('LEDGER_ROLE', of('LEDGER_ROLE') ?? 'all', LEDGER_ROLES),
    externalPostgres: externalPostgres(of),
    surroundings: those(of, [...SURROUNDINGS, ...NODE_SETTINGS]),
    ledgerSettings: those(of, LEDGER_SETTINGS),
    dispatcherSettings,
    openings,
    kafkaSettings: those(
      of,
      Object.keys(environment).filter((name) => name.startsWith('KAFKA_')),
    ),
    startsKafka: args.includes('--kafka') && of('KAFKA_BROKERS') === undefined,
    receiver: reachThisMachine(dispatcherSettings)
      ? {
          port: port('RECEIVER_PORT', of('RECEIVER_PORT') ?? '3002'),
          isPortGiven: of('RECEIVER_PORT') !== undefined,
        }
      : undefined,
  };
}

function without(settings: Readonly<Record<string, string>>, of: (name: string) => string | undefined) {
  return Object.fromEntries(Object.entries(settings).filter(([name]) => of(name) === undefined));
}

/** Whether webhooks are allowed what the tour's receiver needs. */
function reachThisMachine(dispatcherSettings: Readonly<Record<string, string>>): boolean {
  return Object.entries(WEBHOOKS_TO_THIS_MACHINE).every(
    ([name, value]) => dispatcherSettings[name] === value,
  );
}

/** The values of the names that are set. */
function those(of: (name: string) => string | undefined, names: readonly string[]): Record<string, string> {
  const found = names.map((name) => [name, of(name)] as const);
  return Object.fromEntries(found.filter((pair): pair is [string, string] => pair[1] !== undefined));
}

function externalPostgres(of: (name: string) => string | undefined): ExternalPostgres | undefined {
  const url = (name: string): string | undefined => {
    const value = of(name);
    if (value !== undefined) parsePostgresUrl(name, value);
    return value;
  };
  const ownerUrl = url('DATABASE_URL');
  const ledgerUrl = url('LEDGER_DATABASE_URL');
  const dispatcherUrl = url('DISPATCHER_DATABASE_URL');
  if (ownerUrl !== undefined) return { ownerUrl, ledgerUrl, dispatcherUrl };
  const alone = ledgerUrl === undefined ? 'DISPATCHER_DATABASE_URL' : 'LEDGER_DATABASE_URL';
  if (ledgerUrl === undefined && dispatcherUrl === undefined) return undefined;
  throw new CannotStart(
    `${alone} is set without DATABASE_URL, the URL of the owner, who migrates: set both.`,
  );
}

export function port(name: string, value: string): number {
  if (/^\d{1,5}$/.test(value) && Number(value) >= 1 && Number(value) <= 65_535) return Number(value);
  throw new CannotStart(`${name} must be a port number from 1 to 65535, and is "${value}".`);
}

function oneOf<T extends string>(name: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((item) => item === value);
  if (found !== undefined) return found;
  throw new CannotStart(`${name} must be one of ${allowed.join(', ')}, and is "${value}".`);
}

/** `name` is the variable's, or the file's that keeps the value. A secret is not repeated in the sentence. */
export function bootstrapApiKey(name: string, value: string): string {
  if (/^[\x21-\x7e]{32,512}$/.test(value)) return value;
  throw new CannotStart(`${name} must be 32 to 512 characters, all of them visible ASCII without blanks.`);
}

export function secretsKey(name: string, value: string): string {
  const bytes = Buffer.from(value, 'base64');
  if (bytes.length === 32 && bytes.toString('base64') === value) return value;
  throw new CannotStart(`${name} must be 32 bytes in base64, as \`openssl rand -base64 32\` makes them.`);
}
