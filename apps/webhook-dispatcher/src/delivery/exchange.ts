import type { Dispatcher } from 'undici';
import type { AttemptErrorClass } from './attempt-outcome.js';
import { ConnectionFailed } from './guarded-connect.js';
import { keptText } from './kept-text.js';
import { retryAfterSeconds } from './retry-after.js';

export interface ExchangeLimits {
  readonly deadlineMs: number;
  readonly answerBytesMax: number;
  readonly keptBytesMax: number;
}

export interface Answer {
  readonly statusCode: number | null;
  readonly errorClass: AttemptErrorClass | null;
  readonly responseBody: string | null;
  readonly retryAfterSeconds: number | null;
}

/** What carries an exchange. */
export interface ExchangeLine {
  /** All that came over it since it was made. */
  readonly wireBytes: number;
  cutOff(): void;
}

type ResponseHeaders = Readonly<Record<string, string | string[] | undefined>>;

/**
 * All that an answer may take on the wire, for what is no part of its body: its headers, and the frames of
 * chunks, in which a receiver could go on for ever without sending a byte of body.
 */
const wireBytesMax = 1_024 * 1_024;
/** Interim answers (1xx) before the real one; a receiver that sends more is not going to answer. */
const interimAnswersMax = 8;

/**
 * One request and its answer, on whichever connection it gets. Whatever the receiver does, `settle` is called
 * once, not later than the deadline, with what was understood until then; a connection on which more could
 * follow is destroyed. undici's own timeouts are off: they begin anew with each byte.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  private readonly timer: NodeJS.Timeout;
  private line: ExchangeLine | undefined;
  private wireBytesBefore = 0;
  private wasSent = false;
  private statusCode: number | null = null;
  private retryAfter: string | undefined;
  private isText = true;
  private interimAnswers = 0;
  private readBytes = 0;
  private keptBytes = 0;
  private readonly kept: Uint8Array[] = [];
  isOver = false;

  constructor(
    private readonly limits: ExchangeLimits,
    private readonly settle: (answer: Answer) => void,
  ) {
    this.timer = setTimeout(() => this.giveUp('timeout'), limits.deadlineMs);
  }

  runOn(line: ExchangeLine): void {
    this.line = line;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.isOver) controller.abort(new Error('given up before it was sent'));
    this.wireBytesBefore = this.line?.wireBytes ?? 0;
    this.wasSent = true;
  }

  onResponseStart(_controller: unknown, statusCode: number, headers: ResponseHeaders): void {
    if (this.isOver) return;
    if (statusCode < 200) {
      if (++this.interimAnswers > interimAnswersMax) this.giveUp('protocol');
      return;
    }
    this.statusCode = statusCode;
    this.retryAfter = firstOf(headers['retry-after']);
    const encoding = firstOf(headers['content-encoding'])?.trim().toLowerCase() ?? 'identity';
    this.isText = encoding === 'identity' || encoding === '';
  }

  onResponseData(_controller: unknown, chunk: Uint8Array): void {
    if (this.isOver) return;
    const keptBytes = Math.min(chunk.length, this.limits.keptBytesMax - this.keptBytes);
    if (keptBytes > 0) {
      // A copy, because the chunk is a window on a buffer many times its size.
      this.kept.push(Uint8Array.prototype.slice.call(chunk, 0, keptBytes));
      this.keptBytes += keptBytes;
    }
    this.readBytes += chunk.length;
    if (this.readBytes > this.limits.answerBytesMax) this.giveUp('response_too_large');
  }

  onWireBytes(bytes: number): void {
    if (!this.isOver && this.wasSent && bytes - this.wireBytesBefore > wireBytesMax) this.giveUp('protocol');
  }

  onResponseEnd(): void {
    this.end(this.statusCode, null);
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.end(null, errorClassOf(error, this.wasSent));
  }

  onRequestUpgrade(): void {
    this.giveUp('protocol');
  }

  /** Ends it before the receiver does, and its connection with it. */
  giveUp(errorClass: AttemptErrorClass): void {
    this.end(errorClass === 'response_too_large' ? this.statusCode : null, errorClass);
    this.line?.cutOff();
  }

  private end(statusCode: number | null, errorClass: AttemptErrorClass | null): void {
    if (this.isOver) return;
    this.isOver = true;
    clearTimeout(this.timer);
    const hasBody = this.isText && (statusCode !== null || this.keptBytes > 0);
    this.settle({
      statusCode,
      errorClass,
      responseBody: hasBody ? keptText(Buffer.concat(this.kept), this.limits.keptBytesMax) : null,
      retryAfterSeconds:
        this.retryAfter === undefined ? null : retryAfterSeconds(this.retryAfter, Date.now()),
    });
  }
}

function firstOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

function errorClassOf(error: Error, wasSent: boolean): AttemptErrorClass {
  if (error instanceof ConnectionFailed) return error.errorClass;
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (code === 'UND_ERR_DESTROYED' || code === 'UND_ERR_CLOSED') return 'aborted';
  if (code === 'UND_ERR_INVALID_ARG') return 'invalid_request';
  if (protocolErrors.has(code) || isBadAnswer(error)) return 'protocol';
  if (code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_')) return 'tls';
  return wasSent ? 'reset' : 'connect';
}

const protocolErrors: ReadonlySet<string> = new Set([
  'UND_ERR_HEADERS_OVERFLOW',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
]);

/** undici gives these no code, or the one of a closed connection. */
function isBadAnswer({ name, message }: Error): boolean {
  return name === 'HTTPParserError' || message === 'bad response' || message === 'bad upgrade';
}
