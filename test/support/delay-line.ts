interface Waiting {
  readonly atMs: number;
  readonly pass: () => void;
}

/** One direction of a connection that may be slow: what is sent arrives later, in the order in which it was sent. */
export class DelayLine {
  private readonly waiting: Waiting[] = [];
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly delayMs: () => number) {}

  send(pass: () => void): void {
    const delayMs = this.delayMs();
    if (delayMs === 0 && this.waiting.length === 0) return pass();
    this.waiting.push({ atMs: performance.now() + delayMs, pass });
    this.wait();
  }

  /** Nothing that has not arrived yet will. */
  drop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.waiting.length = 0;
  }

  private wait(): void {
    const [first] = this.waiting;
    if (this.timer !== undefined || first === undefined) return;
    this.timer = setTimeout(() => this.arrive(), Math.max(0, first.atMs - performance.now()));
  }

  private arrive(): void {
    this.timer = undefined;
    const now = performance.now();
    while (this.waiting[0] !== undefined && this.waiting[0].atMs <= now) this.waiting.shift()!.pass();
    this.wait();
  }
}
