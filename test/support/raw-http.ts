import { connect, type Socket } from 'node:net';
import type { Answer } from './client.js';

/** What came back on one connection. */
export interface RawExchange {
  /** Those that are complete; 1xx are left out. */
  readonly answers: readonly Answer[];
  /** By the server, in order or by a reset. */
  readonly isEnded: boolean;
  /** Bytes after the last complete answer. */
  readonly rest: string;
}

export interface RawOptions {
  /** It is over when so many have come; also when the server ends the connection. */
  readonly answers?: number;
  readonly timeoutMs?: number;
  /** The client says that it will send nothing more, and goes on reading. */
  readonly halfClose?: boolean;
}

const crlf = '\r\n';

/** A request as bytes, with exactly these header lines. */
export function rawRequest(
  line: string,
  headers: readonly string[] = [],
  body: string | Buffer = '',
): Buffer {
  const head = [`${line} HTTP/1.1`, ...headers, '', ''].join(crlf);
  return Buffer.concat([Buffer.from(head, 'latin1'), Buffer.from(body)]);
}

export function openSocket(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      socket.on('error', () => undefined);
      resolve(socket);
    });
  });
}

/** Sends bytes that no HTTP client would, and reads what is answered to them. */
export async function sendRaw(
  url: string,
  bytes: Buffer | string,
  { answers: wanted = 1, timeoutMs = 15_000, halfClose = false }: RawOptions = {},
): Promise<RawExchange> {
  const socket = await openSocket(url);
  if (halfClose) socket.end(bytes);
  else socket.write(bytes);
  let came = Buffer.alloc(0);
  return new Promise((resolve) => {
    const finish = (isEnded: boolean) => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ ...parseAnswers(came), isEnded });
    };
    const timer = setTimeout(() => finish(false), timeoutMs);
    socket.on('data', (chunk) => {
      came = Buffer.concat([came, chunk]);
      if (parseAnswers(came).answers.length >= wanted) finish(false);
    });
    socket.once('end', () => finish(true));
    socket.once('close', () => finish(true));
  });
}

export function parseAnswers(bytes: Buffer): Pick<RawExchange, 'answers' | 'rest'> {
  const answers: Answer[] = [];
  let left = bytes;
  for (let parsed = parseAnswer(left); parsed; parsed = parseAnswer(left)) {
    if (parsed.answer.status >= 200) answers.push(parsed.answer);
    left = left.subarray(parsed.length);
  }
  return { answers, rest: left.toString('latin1') };
}

function parseAnswer(bytes: Buffer): { answer: Answer; length: number } | null {
  const headEnd = bytes.indexOf(crlf + crlf);
  if (headEnd === -1) return null;
  const [line = '', ...lines] = bytes.toString('latin1', 0, headEnd).split(crlf);
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(line)?.[1]);
  if (!(status > 0)) return null;
  const headers = Object.fromEntries(
    lines.map((text) => [
      text.slice(0, text.indexOf(':')).toLowerCase(),
      text.slice(text.indexOf(':') + 1).trim(),
    ]),
  );
  const start = headEnd + 4;
  const body =
    headers['transfer-encoding'] === 'chunked'
      ? readChunks(bytes, start)
      : readLength(bytes, start, Number(headers['content-length'] ?? 0));
  if (!body) return null;
  const text = body.bytes.toString('utf8');
  return { answer: { status, headers, text, body: parsedIfJson(text) }, length: body.end };
}

function readLength(bytes: Buffer, start: number, length: number) {
  const end = start + length;
  return bytes.length < end ? null : { bytes: bytes.subarray(start, end), end };
}

function readChunks(bytes: Buffer, start: number): { bytes: Buffer; end: number } | null {
  const chunks: Buffer[] = [];
  for (let at = start; ;) {
    const lineEnd = bytes.indexOf(crlf, at);
    if (lineEnd === -1) return null;
    const length = parseInt(bytes.toString('latin1', at, lineEnd), 16);
    const from = lineEnd + 2;
    if (bytes.length < from + length + 2) return null;
    if (length === 0) return { bytes: Buffer.concat(chunks), end: from + 2 };
    chunks.push(bytes.subarray(from, from + length));
    at = from + length + 2;
  }
}

function parsedIfJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
