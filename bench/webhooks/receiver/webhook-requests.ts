export interface WebhookRequest {
  readonly path: string;
  readonly eventId: string;
  readonly bodyBytes: number;
  /** Microseconds since 1970. */
  readonly occurredAt: number;
}

const HEADER_END = Buffer.from('\r\n\r\n');
const OCCURRED_AT = Buffer.from('"occurredAt":"');
const UNREAD_BYTES_MAX = 1_048_576;

export class UnreadableRequest extends Error {}

/**
 * Reads the requests of one connection as the dispatcher writes them: a body of which the length is given. A
 * receiver on node:http uses several times as much of the cores that it shares with what is measured.
 */
export class WebhookRequests {
  private unread: Buffer | undefined;

  /** The requests that this chunk has completed. */
  read(chunk: Buffer): WebhookRequest[] {
    let bytes = this.unread === undefined ? chunk : Buffer.concat([this.unread, chunk]);
    const requests: WebhookRequest[] = [];
    while (bytes.length > 0) {
      const headerEnd = bytes.indexOf(HEADER_END);
      if (headerEnd === -1) break;
      const header = bytes.toString('latin1', 0, headerEnd);
      const bodyStart = headerEnd + HEADER_END.length;
      const bodyBytes = Number(/\r\ncontent-length: *(\d+)/i.exec(header)?.[1] ?? NaN);
      if (Number.isNaN(bodyBytes)) throw new UnreadableRequest();
      if (bytes.length < bodyStart + bodyBytes) break;
      requests.push(requestOf(header, bytes.subarray(bodyStart, bodyStart + bodyBytes)));
      bytes = bytes.subarray(bodyStart + bodyBytes);
    }
    if (bytes.length > UNREAD_BYTES_MAX) throw new UnreadableRequest();
    this.unread = bytes.length === 0 ? undefined : bytes;
    return requests;
  }
}

function requestOf(header: string, body: Buffer): WebhookRequest {
  const path = /^POST \/(\S*) /.exec(header)?.[1];
  const eventId = /\r\nwebhook-id: *(\S+)/i.exec(header)?.[1];
  if (path === undefined || eventId === undefined) throw new UnreadableRequest();
  // A copy of these few characters: a part of the header would keep the whole of it in memory.
  return {
    path: copyOf(path),
    eventId: copyOf(eventId),
    bodyBytes: body.length,
    occurredAt: occurredAtOf(body),
  };
}

function copyOf(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}

/** ISO 8601 with six decimals, of which Date knows three. */
function occurredAtOf(body: Buffer): number {
  const start = body.indexOf(OCCURRED_AT) + OCCURRED_AT.length;
  if (start < OCCURRED_AT.length) throw new UnreadableRequest();
  const text = body.toString('latin1', start, start + 27);
  const microseconds = Date.parse(`${text.slice(0, 23)}Z`) * 1000 + Number(text.slice(23, 26));
  if (Number.isNaN(microseconds)) throw new UnreadableRequest();
  return microseconds;
}
