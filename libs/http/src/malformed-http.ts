import { randomUUID } from 'node:crypto';
import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { ApiError } from './api-error.js';
import { errorBody } from './error-filter.js';

/** What is wrong with what never became a request, by Node's code of it. */
const faults: Readonly<Record<string, readonly [status: number, message: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'the request line and headers are too large'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'the extensions of chunks are too large'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'the request did not come in time'],
};

/**
 * What isn't HTTP never becomes a request: it is answered on the socket, in the form of every other error, behind the
 * answers to the requests before it, one of which would else be taken for refused.
 */
export function answerMalformedHttp(fault: Error & { code?: string }, socket: Socket): void {
  if (fault.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const { _httpMessage: underWay } = socket as Socket & { _httpMessage?: ServerResponse | null };
  if (underWay?.req.complete) return void underWay.once('close', () => answerMalformedHttp(fault, socket));
  // It is the body of the request under way that is at fault: no answer of its own will come.
  if (underWay?.headersSent) return void socket.destroy();
  const [status, message] = faults[fault.code ?? ''] ?? [400, 'the request is not well-formed HTTP'];
  const code = status === 413 ? 'payload_too_large' : 'validation_error';
  answerOn(socket, new ApiError(status, code, message));
}

/**
 * What Node hands on apart from requests, or answers by itself. An expectation that nobody knows is passed over, as
 * HTTP allows; a tunnel to elsewhere there is none.
 */
export function answerAllRequests({ server }: FastifyInstance): void {
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    server.emit('request', request, response);
  });
  server.on('connect', (_request: IncomingMessage, socket: Socket) => {
    socket.on('error', () => socket.destroy());
    const allow = 'GET, HEAD, POST, PUT, PATCH, DELETE';
    answerOn(socket, new ApiError(405, 'method_not_allowed', `allowed here: ${allow}`, [], { allow }));
  });
}

function answerOn(socket: Socket, error: ApiError): void {
  const requestId = randomUUID();
  const body = JSON.stringify(errorBody(error, requestId));
  const headers = {
    ...error.headers,
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    'x-request-id': requestId,
    connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${error.status} ${STATUS_CODES[error.status] ?? ''}\r\n${lines.join('')}\r\n${body}`);
}
