export * from './commit-notifications.js';
export * from './event-stream.js';
export {
  PostgresEventStream,
  postgresStreamDefaults,
  type PostgresStreamParts,
  type PostgresStreamSettings,
  type StreamLogger,
} from './postgres-event-stream.js';
