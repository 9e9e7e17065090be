import { LRUCache } from 'lru-cache';
import { eventIdOf, webhookBodyOf, type StreamEvent } from '#contracts';

/**
 * An event on its way: the body that most endpoints get is made once. Only texts are kept: what is parsed of one
 * takes five times as much, and there are thousands.
 */
export class EventBody {
  private whole: string | undefined;

  constructor(private readonly value: string) {}

  /** @param skipped UUIDs of events that were given up before this one */
  bodyFor(ownerId: string | null, skipped: readonly string[]): string {
    if (ownerId !== null || skipped.length > 0) return this.render(ownerId, skipped);
    return (this.whole ??= this.render(null, []));
  }

  private render(ownerId: string | null, skipped: readonly string[]): string {
    const event = JSON.parse(this.value) as StreamEvent;
    return JSON.stringify(webhookBodyOf(event, { ownerId }, skipped.map(eventIdOf)));
  }
}

const charactersMax = 32 * 1_024 * 1_024;

/**
 * Events that are likely to be sent soon: those that this process has just taken in, and those that it has read
 * for one of several endpoints. It is only a shortcut; what is not here is read from the database.
 */
export class EventBodies {
  private readonly bodies = new LRUCache<string, EventBody>({ maxSize: charactersMax });

  add(eventId: string, value: string): EventBody {
    const body = new EventBody(value);
    this.bodies.set(eventId, body, { size: 2 * value.length + 1 });
    return body;
  }

  get(eventId: string): EventBody | undefined {
    return this.bodies.get(eventId);
  }
}
