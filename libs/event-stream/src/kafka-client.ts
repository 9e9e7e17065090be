import { readFileSync } from 'node:fs';
import { connect as connectTcp, isIP, Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { Kafka, logLevel, type ISocketFactory, type KafkaConfig, type LogEntry } from 'kafkajs';
import { LRUCache } from 'lru-cache';
import { InvalidSettings, type Logger } from '#platform';
import type { KafkaSettings } from './kafka-settings.js';

export interface KafkaClient {
  readonly kafka: Kafka;
  /** Cuts every connection and lets no new one be made: whatever is still being tried on it comes to nothing. */
  retire(): void;
}

const keepAliveMs = 10_000;
const connectMsMax = 5_000;
/** Between two log lines of one text. */
const repeatsMs = 5_000;

/**
 * One kafkajs client with sockets of its own. kafkajs goes on with what its caller has given up: a send that
 * was disconnected connects again and is sent later, out of its place. Retired, it can't.
 */
export function createKafkaClient(
  settings: KafkaSettings,
  clientId: string,
  logger: Logger,
  requestMsMax: number,
): KafkaClient {
  const sockets = new Set<Socket>();
  let isRetired = false;
  // A broker that is away is complained of several times a second.
  const repeats = new LRUCache<string, true>({ max: 100, ttl: repeatsMs });
  const socketFactory: ISocketFactory = ({ host, port, ssl, onConnect }) => {
    if (isRetired) return new Socket().destroy(retired());
    const socket = ssl
      ? connectTls({ host, port, ...(isIP(host) ? {} : { servername: host }), ...ssl }, onConnect)
      : connectTcp({ host, port }, onConnect);
    socket.setKeepAlive(true, keepAliveMs);
    socket.setNoDelay(true);
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    return socket;
  };
  const kafka = new Kafka({
    ...securityOf(settings),
    brokers: [...settings.KAFKA_BROKERS],
    clientId,
    socketFactory,
    connectionTimeout: connectMsMax,
    authenticationTimeout: connectMsMax,
    requestTimeout: requestMsMax,
    retry: { retries: 3, initialRetryTime: 200, maxRetryTime: 1_000 },
    logLevel: logLevel.INFO,
    logCreator: () => (entry) => {
      if (isRetired || repeats.has(entry.log.message)) return;
      repeats.set(entry.log.message, true);
      passOn(entry, logger);
    },
  });
  return {
    kafka,
    retire() {
      isRetired = true;
      // Without an error kafkajs doesn't see the end, and keeps what it waits for.
      for (const socket of sockets) socket.destroy(retired());
    },
  };
}

function retired(): Error {
  return new Error('this client of Kafka is retired');
}

function securityOf(settings: KafkaSettings): Pick<KafkaConfig, 'ssl' | 'sasl'> {
  const { KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password } = settings;
  const caFile = settings.KAFKA_TLS_CA_FILE;
  const ssl = settings.KAFKA_TLS ? { ssl: caFile === '' ? {} : { ca: [readAuthority(caFile)] } } : {};
  switch (settings.KAFKA_SASL_MECHANISM) {
    case 'none':
      return ssl;
    case 'plain':
      return { ...ssl, sasl: { mechanism: 'plain', username, password } };
    case 'scram-sha-256':
      return { ...ssl, sasl: { mechanism: 'scram-sha-256', username, password } };
    case 'scram-sha-512':
      return { ...ssl, sasl: { mechanism: 'scram-sha-512', username, password } };
  }
}

function readAuthority(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new InvalidSettings(`KAFKA_TLS_CA_FILE can't be read: ${(error as Error).message}.`);
  }
}

/** What kafkajs warns of on each producer, and is meant so: who sends here sends again from a checkpoint. */
const meantSo = /^Limiting retries for the idempotent producer/;

function passOn({ level, namespace, log }: LogEntry, logger: Logger): void {
  const { message, timestamp: _timestamp, logger: _logger, stack: _stack, ...details } = log;
  if (meantSo.test(message)) return;
  const text = `kafkajs ${namespace}: ${message}`;
  switch (level) {
    case logLevel.ERROR:
      return logger.error(details, text);
    case logLevel.WARN:
      return logger.warn(details, text);
    case logLevel.INFO:
      return logger.info(details, text);
    case logLevel.DEBUG:
    case logLevel.NOTHING:
      return logger.debug(details, text);
  }
}
