import { host, makeValidator, port } from 'envalid';
import { rateLimitStores, type RateLimitStore } from '#access';
import { checkKafkaSettings, kafkaSettingSpecs, type KafkaSettings } from '#event-stream';
import { bodiesBytesDefault, connectionLimitSpecs, type ConnectionLimits } from '#http';
import {
  databaseUrl,
  InvalidSettings,
  logLevels,
  oneOf,
  positive,
  readEnvironment,
  secretsKey,
  type LogLevel,
} from '#platform';

export const ledgerRoles = ['all', 'api', 'worker'] as const;
export type LedgerRole = (typeof ledgerRoles)[number];

/** Everything that the ledger app can be told, with its default; nothing else reads the environment. */
export interface LedgerSettings extends KafkaSettings, ConnectionLimits {
  readonly LEDGER_DATABASE_URL: string;
  readonly HOST: string;
  readonly PORT: number;
  /** all: everything in one process; worker: projections, publishing and expiry, and no API but health and metrics; api: the rest. */
  readonly LEDGER_ROLE: LedgerRole;
  /** The first ledger's first key. Only the API needs it. */
  readonly BOOTSTRAP_API_KEY: string;
  /** 32 bytes in base64. */
  readonly SECRETS_KEY: string;
  /** Whose Bearer may make organizations and ledgers; absent: nobody may. */
  readonly OPERATOR_API_KEY: string | undefined;
  /** Where requests of limited keys are counted: by each process for itself, or for all together. */
  readonly RATE_LIMIT_STORE: RateLimitStore;
  readonly LOG_LEVEL: LogLevel;
  readonly REQUEST_TIME_MS: number;
  readonly BODY_BYTES_MAX: number;
  /** Of batches of transactions alone. */
  readonly BATCH_BODY_BYTES_MAX: number;
  /** Of all requests together that are under way: each takes some ten times its body of memory. */
  readonly BODIES_BYTES_MAX: number;
  readonly QUEUE_COMMANDS_MAX: number;
  readonly QUEUE_COMMANDS_PER_LEDGER_MAX: number;
  readonly QUEUE_BYTES_MAX: number;
  readonly WRITE_CONNECTIONS_MAX: number;
  readonly READ_CONNECTIONS_MAX: number;
  readonly WORKER_CONNECTIONS_MAX: number;
  readonly PROJECTION_WAIT_MS: number;
  readonly SHUTDOWN_MS: number;
  /** Where the webhook dispatcher listens. */
  readonly DISPATCHER_URL: string;
  /** How long a request that it answers may take: longer than the 15 s of a test delivery. */
  readonly DISPATCHER_TIME_MS: number;
  readonly DISPATCHER_CONNECTIONS_MAX: number;
}

const origin = makeValidator<string>((value) => {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  const isOrigin = url !== undefined && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`;
  if (!isOrigin) throw new Error('it must be an http:// or https:// URL of host and port alone');
  return url.origin;
});

function checkedKey(value: string): string {
  if (!/^[\x21-\x7e]{32,512}$/.test(value)) throw new Error('it must be 32 to 512 visible ASCII characters');
  return value;
}

const apiKey = makeValidator<string>(checkedKey);
/** Compose files pass what isn't set on as nothing. */
const optionalApiKey = makeValidator<string | undefined>((value) =>
  value === '' ? undefined : checkedKey(value),
);

export function readSettings(environment: NodeJS.ProcessEnv = process.env): LedgerSettings {
  const settings = readEnvironment<LedgerSettings>(environment, {
    LEDGER_DATABASE_URL: databaseUrl(),
    HOST: host({ default: '0.0.0.0' }),
    PORT: port({ default: 3000 }),
    LEDGER_ROLE: oneOf(ledgerRoles)({ default: 'all' }),
    BOOTSTRAP_API_KEY: apiKey(),
    SECRETS_KEY: secretsKey(),
    OPERATOR_API_KEY: optionalApiKey({ default: undefined }),
    RATE_LIMIT_STORE: oneOf(rateLimitStores)({ default: 'memory' }),
    LOG_LEVEL: oneOf(logLevels)({ default: 'info' }),
    REQUEST_TIME_MS: positive({ default: 10_000 }),
    BODY_BYTES_MAX: positive({ default: 1_048_576 }),
    BATCH_BODY_BYTES_MAX: positive({ default: 5 * 1_048_576 }),
    BODIES_BYTES_MAX: positive({ default: bodiesBytesDefault }),
    QUEUE_COMMANDS_MAX: positive({ default: 20_000 }),
    QUEUE_COMMANDS_PER_LEDGER_MAX: positive({ default: 10_000 }),
    QUEUE_BYTES_MAX: positive({ default: 64 * 1_048_576 }),
    WRITE_CONNECTIONS_MAX: positive({ default: 8 }),
    READ_CONNECTIONS_MAX: positive({ default: 16 }),
    WORKER_CONNECTIONS_MAX: positive({ default: 4 }),
    PROJECTION_WAIT_MS: positive({ default: 5_000 }),
    SHUTDOWN_MS: positive({ default: 12_000 }),
    DISPATCHER_URL: origin({ default: 'http://127.0.0.1:3001' }),
    DISPATCHER_TIME_MS: positive({ default: 20_000 }),
    DISPATCHER_CONNECTIONS_MAX: positive({ default: 64 }),
    ...connectionLimitSpecs,
    ...kafkaSettingSpecs,
  });
  if (settings.OPERATOR_API_KEY === settings.BOOTSTRAP_API_KEY) {
    throw new InvalidSettings('OPERATOR_API_KEY must not be BOOTSTRAP_API_KEY.');
  }
  return checkKafkaSettings(settings);
}
