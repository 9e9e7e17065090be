export * from './commit-notifications.js';
export * from './event-stream.js';
export { KafkaEventStream, type KafkaEventStreamParts } from './kafka-event-stream.js';
export { TopicPublisher, type TopicPublisherParts } from './kafka-publisher.js';
export { checkKafkaSettings, kafkaSettingSpecs, type KafkaSettings } from './kafka-settings.js';
export {
  PostgresEventStream,
  postgresStreamDefaults,
  type PostgresStreamParts,
  type PostgresStreamSettings,
} from './postgres-event-stream.js';
export { readAgain } from './read-again.js';
