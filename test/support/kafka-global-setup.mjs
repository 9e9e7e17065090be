// Postgres as everywhere, and Kafka's programs: downloaded once, before several workers ask for them.
import { givenKafkaSettings } from '../../dist/test/support/config.js';
import { kafkaJars } from '../../dist/tools/kafka/broker-jars.js';
import startPostgres from './postgres-global-setup.mjs';

export default async function startPostgresAndFetchKafka() {
  await Promise.all([startPostgres(), givenKafkaSettings() === undefined ? kafkaJars() : undefined]);
}
