import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { secretPattern } from './config.js';
import type { KnownSecrets } from './known-secrets.js';
import { lineOf } from './summary.js';

const BODY_BYTES_MAX = 1_048_576;
const LINES_MAX = 100;

/**
 * What a partner would run: every POST is a webhook, answered with 204 when its signature is right, else with
 * 400, and one line of output. Two things are for the person who tries it: POST /secrets takes the answer in
 * which an endpoint's secret was shown, and any GET shows the last lines again.
 */
export function createReceiver(secrets: KnownSecrets, print: (line: string) => void): Server {
  const lines: string[] = [];

  function receive(message: IncomingMessage, body: Buffer, answer: ServerResponse): void {
    const headers = signedHeaders(message);
    const problem = secrets.problemOf(body, headers);
    const line = `${new Date().toISOString()} ${lineOf(headers['webhook-id'] ?? '?', body, problem)}`;
    lines.splice(0, lines.length - LINES_MAX + 1);
    lines.push(line);
    print(`Webhook received: ${line}`);
    if (problem === null) answer.writeHead(204).end();
    else answer.writeHead(400, text).end(`${problem}\n`);
  }

  function learn(body: Buffer, answer: ServerResponse): void {
    const [secret] = secretPattern.exec(body.toString('utf8')) ?? [];
    if (secret === undefined) {
      answer.writeHead(400, text).end('There is no secret (whsec_…) in this body.\n');
      return;
    }
    secrets.add(secret);
    answer.writeHead(200, text).end('Webhooks signed with this secret are verified from now on.\n');
  }

  return createServer((message, answer) => {
    if (message.method !== 'POST') {
      answer.writeHead(200, text).end(lines.map((line) => `${line}\n`).join(''));
      return;
    }
    const chunks: Buffer[] = [];
    let bytes = 0;
    message.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= BODY_BYTES_MAX) chunks.push(chunk);
    });
    message.on('error', () => undefined);
    message.on('end', () => {
      const body = Buffer.concat(chunks);
      if (bytes > BODY_BYTES_MAX) answer.writeHead(413).end();
      else if (message.url === '/secrets') learn(body, answer);
      else receive(message, body, answer);
    });
  });
}

const text = { 'content-type': 'text/plain; charset=utf-8' };

function signedHeaders({ headers }: IncomingMessage): Record<string, string> {
  const entries = Object.entries(headers).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  return Object.fromEntries(entries);
}
