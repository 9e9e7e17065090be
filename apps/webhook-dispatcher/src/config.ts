import { host, makeValidator, port } from 'envalid';
import ipaddr from 'ipaddr.js';
import { rateLimitStores, type RateLimitStore } from '#access';
import { checkKafkaSettings, kafkaSettingSpecs, type KafkaSettings } from '#event-stream';
import { bodiesBytesDefault, connectionLimitSpecs, type ConnectionLimits } from '#http';
import {
  databaseUrl,
  logLevels,
  oneOf,
  positive,
  readEnvironment,
  secretsKey,
  trueOrFalse,
  type LogLevel,
} from '#platform';

/** Everything that the dispatcher can be told, with its default; nothing else reads the environment. */
export interface DispatcherSettings extends KafkaSettings, ConnectionLimits {
  readonly DISPATCHER_DATABASE_URL: string;
  readonly HOST: string;
  readonly DISPATCHER_PORT: number;
  /** 32 bytes in base64. Endpoints' secrets are encrypted under it. */
  readonly SECRETS_KEY: string;
  /** Where requests of limited keys are counted: by each process for itself, or for all together. */
  readonly RATE_LIMIT_STORE: RateLimitStore;
  readonly LOG_LEVEL: LogLevel;
  /** Endpoints may have http:// URLs. */
  readonly WEBHOOK_ALLOW_HTTP: boolean;
  /** Ranges of addresses, as CIDR, that webhooks may go to although they are not public. */
  readonly WEBHOOK_ALLOWED_RANGES: readonly string[];
  readonly BODY_BYTES_MAX: number;
  /** Of all requests together that are under way: each takes some ten times its body of memory. */
  readonly BODIES_BYTES_MAX: number;
  /** Connections that requests use. */
  readonly API_CONNECTIONS_MAX: number;
  /** Those with which events are taken in and deliveries claimed and written. */
  readonly DELIVERY_CONNECTIONS_MAX: number;
  readonly SHUTDOWN_MS: number;
}

const addressRanges = makeValidator<readonly string[]>((value) => {
  const ranges = value.split(',').map((range) => range.trim());
  if (value.trim() === '') return [];
  const wrong = ranges.find((range) => !ipaddr.isValidCIDR(range));
  if (wrong !== undefined) throw new Error(`it must be ranges such as 10.1.0.0/16, not ${wrong}`);
  return ranges;
});

export function readSettings(environment: NodeJS.ProcessEnv = process.env): DispatcherSettings {
  const settings = readEnvironment<DispatcherSettings>(environment, {
    DISPATCHER_DATABASE_URL: databaseUrl(),
    HOST: host({ default: '0.0.0.0' }),
    DISPATCHER_PORT: port({ default: 3001 }),
    SECRETS_KEY: secretsKey(),
    RATE_LIMIT_STORE: oneOf(rateLimitStores)({ default: 'memory' }),
    LOG_LEVEL: oneOf(logLevels)({ default: 'info' }),
    WEBHOOK_ALLOW_HTTP: trueOrFalse({ default: false }),
    WEBHOOK_ALLOWED_RANGES: addressRanges({ default: [] }),
    BODY_BYTES_MAX: positive({ default: 1_048_576 }),
    BODIES_BYTES_MAX: positive({ default: bodiesBytesDefault }),
    API_CONNECTIONS_MAX: positive({ default: 8 }),
    DELIVERY_CONNECTIONS_MAX: positive({ default: 12 }),
    SHUTDOWN_MS: positive({ default: 12_000 }),
    ...connectionLimitSpecs,
    ...kafkaSettingSpecs,
  });
  return checkKafkaSettings(settings);
}
