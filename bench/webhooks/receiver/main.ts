import { createServer, type Socket } from 'node:net';
import { createHistogram, performance } from 'node:perf_hooks';
import { Inbox } from './inbox.js';
import type { Comparison, LatencyMs, Numbered, Question, Snapshot } from './protocol.js';
import { WebhookRequests, type WebhookRequest } from './webhook-requests.js';

/**
 * A trivial receiver, in a process of its own: it answers 204 at once to all endpoints but those whose name begins
 * with "hung", which it accepts, reads and never answers. It counts, and answers questions of the parent process.
 */
const ANSWER = 'HTTP/1.1 204 No Content\r\n\r\n';

let inboxes = new Map<string, Inbox>();
let latency = createHistogram({ highest: 600_000_000, figures: 3 });
let loopAtReset = performance.eventLoopUtilization();
let unreadable = 0;
let connections = 0;

function serve(socket: Socket): void {
  connections += 1;
  const requests = new WebhookRequests();
  socket.setNoDelay(true);
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => {
    try {
      for (const request of requests.read(chunk)) {
        if (take(request)) socket.write(ANSWER);
      }
    } catch {
      unreadable += 1;
      socket.destroy();
    }
  });
}

/** True when it is to be answered. */
function take({ path, eventId, bodyBytes, occurredAt }: WebhookRequest): boolean {
  // The clock that Postgres reads too, but in whole milliseconds: the next one counts, so that no time is too short.
  const at = Date.now() + 1;
  let inbox = inboxes.get(path);
  if (inbox === undefined) inboxes.set(path, (inbox = new Inbox()));
  const isNew = inbox.take(eventId, bodyBytes, at);
  if (path.startsWith('hung')) return false;
  if (isNew) latency.record(Math.max(1, at * 1000 - occurredAt));
  return true;
}

function answer(question: Question): unknown {
  switch (question.ask) {
    case 'reset':
      inboxes = new Map();
      unreadable = 0;
      connections = 0;
      resetLatency();
      return null;
    case 'reset-latency':
      resetLatency();
      return null;
    case 'snapshot':
      return snapshot();
    case 'compare':
      return compare(question.inboxes, new Set(question.eventIds));
  }
}

function resetLatency(): void {
  latency = createHistogram({ highest: 600_000_000, figures: 3 });
  loopAtReset = performance.eventLoopUtilization();
}

function snapshot(): Snapshot {
  return {
    at: Date.now(),
    inboxes: Object.fromEntries([...inboxes].map(([name, inbox]) => [name, inbox.count()])),
    latencyMs: latency.count === 0 ? undefined : latencyMs(),
    unreadable,
    connections,
    busy: performance.eventLoopUtilization(loopAtReset).utilization,
  };
}

function latencyMs(): LatencyMs {
  const ms = (percentile: number): number => latency.percentile(percentile) / 1000;
  return { count: latency.count, p50: ms(50), p99: ms(99), p999: ms(99.9), max: latency.max / 1000 };
}

function compare(names: readonly string[], eventIds: ReadonlySet<string>): Comparison {
  const sum = { lost: 0, invented: 0, duplicates: 0 };
  for (const name of names) {
    const { lost, invented, duplicates } = (inboxes.get(name) ?? new Inbox()).compare(eventIds);
    sum.lost += lost;
    sum.invented += invented;
    sum.duplicates += duplicates;
  }
  return sum;
}

const server = createServer(serve);
server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, () => {
  const address = server.address();
  process.send?.({ number: 0, content: typeof address === 'object' ? address?.port : undefined });
});
process.on('message', ({ number, content }: Numbered<Question>) => {
  process.send?.({ number, content: answer(content) } satisfies Numbered<unknown>);
});
// Ctrl-C is for the parent, which still has questions then; when it is gone, so are we.
process.on('SIGINT', () => undefined);
process.on('disconnect', () => process.exit());
