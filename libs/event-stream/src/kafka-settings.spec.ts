import { InvalidSettings, readEnvironment } from '#platform';
import { checkKafkaSettings, kafkaSettingSpecs, type KafkaSettings } from './kafka-settings.js';

const read = (environment: Record<string, string>) =>
  checkKafkaSettings(readEnvironment<KafkaSettings>(environment, kafkaSettingSpecs));

describe('settings of Kafka', () => {
  it('are none by default', () => {
    for (const environment of [{}, { KAFKA_BROKERS: '' }, { KAFKA_BROKERS: ' ' }]) {
      expect(read(environment)).toMatchObject({
        KAFKA_BROKERS: [],
        KAFKA_TLS: false,
        KAFKA_SASL_MECHANISM: 'none',
        KAFKA_EVENTS_PARTITIONS: 12,
        KAFKA_ENTRIES_PARTITIONS: 12,
        KAFKA_REPLICATION_FACTOR: 1,
      });
    }
  });

  it.each([
    ['kafka-1:9092', ['kafka-1:9092']],
    ['kafka-1:9092, 10.0.0.2:9093,[::1]:9094', ['kafka-1:9092', '10.0.0.2:9093', '[::1]:9094']],
  ])('name brokers: %s', (KAFKA_BROKERS, expected) => {
    expect(read({ KAFKA_BROKERS }).KAFKA_BROKERS).toEqual(expected);
  });

  it('protect the way', () => {
    const secure = {
      KAFKA_BROKERS: 'kafka:9093',
      KAFKA_TLS: 'true',
      KAFKA_SASL_MECHANISM: 'scram-sha-512',
      KAFKA_SASL_USERNAME: 'ledger',
      KAFKA_SASL_PASSWORD: 'a secret',
    };
    expect(read(secure)).toMatchObject({ ...secure, KAFKA_BROKERS: ['kafka:9093'], KAFKA_TLS: true });
  });

  it.each([
    [{ KAFKA_BROKERS: 'kafka' }, /^KAFKA_BROKERS /],
    [{ KAFKA_BROKERS: 'kafka:0' }, /^KAFKA_BROKERS /],
    [{ KAFKA_BROKERS: 'kafka:65536' }, /^KAFKA_BROKERS /],
    [{ KAFKA_BROKERS: 'a:1,,b:2' }, /^KAFKA_BROKERS /],
    [{ KAFKA_TLS: 'perhaps' }, /^KAFKA_TLS /],
    [{ KAFKA_TLS_CA_FILE: '/ca.pem' }, /KAFKA_TLS is not/],
    [{ KAFKA_SASL_MECHANISM: 'gssapi' }, /^KAFKA_SASL_MECHANISM /],
    [{ KAFKA_SASL_MECHANISM: 'plain', KAFKA_SASL_USERNAME: 'ledger' }, /KAFKA_SASL_PASSWORD/],
    [{ KAFKA_SASL_PASSWORD: 'hidden' }, /without KAFKA_SASL_MECHANISM/],
    [{ KAFKA_EVENTS_PARTITIONS: '0' }, /^KAFKA_EVENTS_PARTITIONS /],
    [{ KAFKA_REPLICATION_FACTOR: '1.5' }, /^KAFKA_REPLICATION_FACTOR /],
    [{ KAFKA_SESSION_MS: '10' }, /^KAFKA_SESSION_MS /],
  ])('that are wrong are refused by name: %j', (environment, message) => {
    const attempt = () => read(environment);
    expect(attempt).toThrow(InvalidSettings);
    expect(attempt).toThrow(message);
    expect(attempt).not.toThrow(/hidden/);
  });
});
