import { LRUCache } from 'lru-cache';
import { unavailableError } from '#http';

/** Less than the second within which a revoked key has to be refused. */
const answerMaxAgeMs = 900;
const knownMax = 10_000;
const unknownMax = 1_000;
/** Look-ups of familiar texts under way at one time, and of strange ones; others wait for none of them. */
const lookUpsMax = 500;
/** Of strange texts the database is asked for so many at one time; the others stand in line. */
const strangersAtOnceMax = 2;

const ages = { ttl: answerMaxAgeMs, ttlResolution: 0 };

/**
 * What was found for a text in the last 900 ms, counted from when it was asked for. Concurrent calls share one
 * look-up. What is there and what isn't are remembered apart, so that no number of wrong keys pushes a right one
 * out; nor does it hold one up: what was there when last asked for is looked up at once, past the line of those
 * that nobody has heard of.
 */
export class RecentAnswers<Found extends object> {
  private readonly known = new LRUCache<string, Found>({ max: knownMax, ...ages });
  private readonly unknown = new LRUCache<string, true>({ max: unknownMax, ...ages });
  /** Was there, however long ago. */
  private readonly familiar = new LRUCache<string, true>({ max: knownMax });
  private readonly asked = new Map<string, { answer: Promise<Found | null>; askedAt: number }>();
  private readonly underWay = { familiar: 0, strange: 0 };
  private strangersAtOnce = 0;
  private readonly line: (() => void)[] = [];

  constructor(private readonly find: (text: string) => Promise<Found | null>) {}

  /** Null where there is nothing. It is a promise only where the database has to be asked. */
  of(text: string): Found | null | Promise<Found | null> {
    const known = this.known.get(text);
    if (known) return known;
    if (this.unknown.has(text)) return null;
    const askedAt = performance.now();
    const asked = this.asked.get(text);
    if (asked && askedAt - asked.askedAt < answerMaxAgeMs) return asked.answer;
    const kind = this.familiar.has(text) ? 'familiar' : 'strange';
    if (this.underWay[kind] >= lookUpsMax) {
      return Promise.reject(unavailableError('overloaded', 'too many keys are being looked up'));
    }
    this.underWay[kind]++;
    const lookUp = { answer: this.lookUp(text, askedAt, kind === 'strange'), askedAt };
    this.asked.set(text, lookUp);
    const forget = () => {
      this.underWay[kind]--;
      if (this.asked.get(text) === lookUp) this.asked.delete(text);
    };
    lookUp.answer.then(forget, forget);
    return lookUp.answer;
  }

  private async lookUp(text: string, start: number, isStrange: boolean): Promise<Found | null> {
    const found = isStrange ? await this.findInTurn(text) : await this.find(text);
    if (found) {
      this.known.set(text, found, { start });
      this.familiar.set(text, true);
    } else {
      this.unknown.set(text, true, { start });
      this.familiar.delete(text);
    }
    return found;
  }

  private async findInTurn(text: string): Promise<Found | null> {
    if (this.strangersAtOnce < strangersAtOnceMax) this.strangersAtOnce++;
    else await new Promise<void>((resolve) => this.line.push(resolve));
    try {
      return await this.find(text);
    } finally {
      const next = this.line.shift();
      if (next) next();
      else this.strangersAtOnce--;
    }
  }
}
