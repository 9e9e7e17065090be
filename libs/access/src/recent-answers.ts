import { LRUCache } from 'lru-cache';
import { unavailableError } from '#platform';

/** Less than the second within which a revoked key has to be refused. */
const answerMaxAgeMs = 900;
const knownMax = 10_000;
const unknownMax = 1_000;
/** Look-ups under way at one time; others wait for none of them. */
const lookUpsMax = 500;

const ages = { ttl: answerMaxAgeMs, ttlResolution: 0 };

/**
 * What was found for a text in the last 900 ms, counted from when it was asked for. Concurrent calls share one
 * look-up. What is there and what isn't are remembered apart, so that no number of wrong keys pushes a right one
 * out.
 */
export class RecentAnswers<Found extends object> {
  private readonly known = new LRUCache<string, Found>({ max: knownMax, ...ages });
  private readonly unknown = new LRUCache<string, true>({ max: unknownMax, ...ages });
  private readonly asked = new Map<string, { answer: Promise<Found | null>; askedAt: number }>();

  constructor(private readonly find: (text: string) => Promise<Found | null>) {}

  /** Null where there is nothing. It is a promise only where the database has to be asked. */
  of(text: string): Found | null | Promise<Found | null> {
    const known = this.known.get(text);
    if (known) return known;
    if (this.unknown.has(text)) return null;
    const askedAt = performance.now();
    const asked = this.asked.get(text);
    if (asked && askedAt - asked.askedAt < answerMaxAgeMs) return asked.answer;
    if (this.asked.size >= lookUpsMax) {
      return Promise.reject(unavailableError('overloaded', 'too many keys are being looked up'));
    }
    const lookUp = { answer: this.lookUp(text, askedAt), askedAt };
    this.asked.set(text, lookUp);
    const forget = () => this.asked.get(text) === lookUp && this.asked.delete(text);
    lookUp.answer.then(forget, forget);
    return lookUp.answer;
  }

  private async lookUp(text: string, start: number): Promise<Found | null> {
    const found = await this.find(text);
    if (found) this.known.set(text, found, { start });
    else this.unknown.set(text, true, { start });
    return found;
  }
}
