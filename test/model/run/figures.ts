import { bodyOf, isRead, type RecordedRun } from '../check/call-log.js';

/** What was tried, all runs together. */
export class Figures {
  ledgers = 0;
  requests = 0;
  accepted = 0;
  replays = 0;
  reads = 0;
  positions = 0;
  readonly refused: Record<string, number> = {};

  count({ calls, journal }: RecordedRun): void {
    this.ledgers += 1;
    this.requests += calls.length;
    this.positions += journal.length;
    for (const call of calls) {
      if (call.status >= 400) this.refuse(bodyOf(call).error?.code ?? String(call.status));
      else if (isRead(call)) this.reads += 1;
      else if (call.isReplayed) this.replays += 1;
      else this.accepted += 1;
    }
  }

  private refuse(code: string): void {
    this.refused[code] = (this.refused[code] ?? 0) + 1;
  }
}
