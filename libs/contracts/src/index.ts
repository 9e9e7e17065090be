export * from './cloud-event.js';
export * from './envelope.js';
export * from './journal-record.js';
export * from './topics.js';
