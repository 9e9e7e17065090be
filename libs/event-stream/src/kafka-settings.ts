import { bool, makeValidator, str, type ValidatorSpec } from 'envalid';
import { InvalidSettings } from '#platform';

export const saslMechanisms = ['none', 'plain', 'scram-sha-256', 'scram-sha-512'] as const;
export type SaslMechanism = (typeof saslMechanisms)[number];

/** How to reach a Kafka cluster, for both apps; without a broker there is no Kafka. */
export interface KafkaSettings {
  /** `host:port`, any of the cluster's. Empty: the journal itself is the stream. */
  readonly KAFKA_BROKERS: readonly string[];
  readonly KAFKA_TLS: boolean;
  /** PEM; empty: the authorities that Node trusts. */
  readonly KAFKA_TLS_CA_FILE: string;
  readonly KAFKA_SASL_MECHANISM: SaslMechanism;
  readonly KAFKA_SASL_USERNAME: string;
  readonly KAFKA_SASL_PASSWORD: string;
  /** Of a topic that has to be made; one that exists keeps its own. */
  readonly KAFKA_EVENTS_PARTITIONS: number;
  readonly KAFKA_ENTRIES_PARTITIONS: number;
  readonly KAFKA_REPLICATION_FACTOR: number;
  /** A consumer that is silent for this long has lost its partitions. A cluster's own minimum is 6,000. */
  readonly KAFKA_SESSION_MS: number;
}

const brokers = makeValidator<readonly string[]>((value) => {
  const list = value.split(',').map((broker) => broker.trim());
  if (value.trim() === '') return [];
  const isBroker = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):([1-9][0-9]{0,4})$/;
  const wrong = list.find((broker) => !(Number(isBroker.exec(broker)?.[2]) <= 65_535));
  if (wrong !== undefined) throw new Error('it must be host:port, several of them separated by commas');
  return list;
});

const saslMechanism = makeValidator<SaslMechanism>((value) => {
  const mechanism = saslMechanisms.find((candidate) => candidate === value);
  if (mechanism === undefined) throw new Error(`it must be one of ${saslMechanisms.join(', ')}`);
  return mechanism;
});

const whole = (min: number, max: number) =>
  makeValidator<number>((value) => {
    const isInRange = /^[1-9][0-9]{0,6}$/.test(value) && Number(value) >= min && Number(value) <= max;
    if (!isInRange) throw new Error(`it must be a whole number from ${min} to ${max}`);
    return Number(value);
  });

/** For readEnvironment, beside an app's own. */
export const kafkaSettingSpecs: { [Name in keyof KafkaSettings]: ValidatorSpec<KafkaSettings[Name]> } = {
  KAFKA_BROKERS: brokers({ default: [] }),
  KAFKA_TLS: bool({ default: false }),
  KAFKA_TLS_CA_FILE: str({ default: '' }),
  KAFKA_SASL_MECHANISM: saslMechanism({ default: 'none' }),
  KAFKA_SASL_USERNAME: str({ default: '' }),
  KAFKA_SASL_PASSWORD: str({ default: '' }),
  KAFKA_EVENTS_PARTITIONS: whole(1, 10_000)({ default: 12 }),
  KAFKA_ENTRIES_PARTITIONS: whole(1, 10_000)({ default: 12 }),
  KAFKA_REPLICATION_FACTOR: whole(1, 100)({ default: 1 }),
  KAFKA_SESSION_MS: whole(1_000, 300_000)({ default: 6_000 }),
};

/** Refuses settings that are right one by one and wrong together. */
export function checkKafkaSettings<Settings extends KafkaSettings>(settings: Settings): Settings {
  const { KAFKA_TLS, KAFKA_TLS_CA_FILE, KAFKA_SASL_MECHANISM } = settings;
  const hasName = settings.KAFKA_SASL_USERNAME !== '';
  const hasPassword = settings.KAFKA_SASL_PASSWORD !== '';
  if (KAFKA_TLS_CA_FILE !== '' && !KAFKA_TLS) {
    throw new InvalidSettings('KAFKA_TLS_CA_FILE is set and KAFKA_TLS is not: set KAFKA_TLS=true.');
  }
  if (KAFKA_SASL_MECHANISM !== 'none' && !(hasName && hasPassword)) {
    throw new InvalidSettings(
      `KAFKA_SASL_MECHANISM is ${KAFKA_SASL_MECHANISM}, which needs KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD.`,
    );
  }
  if (KAFKA_SASL_MECHANISM === 'none' && (hasName || hasPassword)) {
    throw new InvalidSettings(
      'KAFKA_SASL_USERNAME or KAFKA_SASL_PASSWORD is set without KAFKA_SASL_MECHANISM.',
    );
  }
  return settings;
}
