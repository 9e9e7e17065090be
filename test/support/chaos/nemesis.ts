import { setTimeout as sleep } from 'node:timers/promises';
import type { SeededRandom } from '../seeded-random.js';
import { apiNames, dispatcherNames, memberNames, workerNames, type ChaosFleet } from './chaos-fleet.js';

export type FaultKind =
  | 'kill'
  | 'kill with a wrong clock'
  | 'freeze'
  | 'crash Postgres'
  | 'kill the broker'
  | 'cut from Postgres'
  | 'cut from Kafka'
  | 'cut from clients'
  | 'slow Postgres'
  | 'slow Kafka'
  | 'lose an answer of Postgres'
  | 'lose an answer of Kafka'
  | 'lose an answer to a client'
  | 'move a clock';

interface Fault {
  readonly kind: FaultKind;
  /** The member that it befalls, where it is one of them. */
  readonly name: string;
}

/** Longer than lock timeouts, than sessions of consumers, and than the session of whoever leads. */
const freezeSeconds = [3.5, 5.5, 12.5];
const clockOffsetsSeconds = [-9 * 3_600, -2 * 3_600, -400, 400, 5 * 3_600, 11 * 3_600];
/** Of a dispatcher, whose signatures bear the time and are refused when it is more than five minutes wrong. */
const dispatcherOffsetsSeconds = [-240, -60, 60, 240];
/** As many of the six are down at the same time: more of them would only wait for the machine to start. */
const downMax = 3;
/** What goes over a connection to Postgres when a member of each kind commits. */
const commitBytes = 'COMMIT';
const checkpointBytes = 'save-publishing-checkpoints';

/**
 * Does harm to a fleet, a list of faults in a random order at random moments, several of them at the same time.
 * What was broken for a while is whole again by its own time; `heal` is for the rest.
 */
export class Nemesis {
  readonly counts = new Map<FaultKind, number>();
  private readonly busy = new Set<string>();
  private down = 0;
  private isEnded = false;
  private readonly underWay = new Set<Promise<unknown>>();
  private readonly failures: unknown[] = [];

  constructor(
    private readonly chaos: ChaosFleet,
    private readonly random: SeededRandom,
  ) {}

  /** One round's faults; resolves when all of them have ended, and every process has been started again. */
  async rage(): Promise<void> {
    for (const fault of this.shuffled(this.planned())) {
      await sleep(150 + this.random.below(1_000));
      if (!this.isEnded) this.begin(fault);
    }
    while (this.underWay.size > 0) await Promise.all(this.underWay);
    if (this.failures.length > 0) throw new AggregateError(this.failures, 'the nemesis itself has failed');
  }

  /** Begins nothing more. */
  end(): void {
    this.isEnded = true;
  }

  count(...of: FaultKind[]): number {
    return of.reduce((total, kind) => total + (this.counts.get(kind) ?? 0), 0);
  }

  /** Every member is killed once, and a few of them again; the rest falls on whom chance picks. */
  private planned(): Fault[] {
    const any = (names: readonly string[]) => this.random.pick(names);
    const of = (kind: FaultKind, ...names: string[]): Fault[] => names.map((name) => ({ kind, name }));
    const canMove = this.chaos.clocks.canMove;
    return [
      ...of('kill', ...memberNames, any(apiNames), any(workerNames)),
      ...of(canMove ? 'kill with a wrong clock' : 'kill', any(memberNames), any(memberNames)),
      ...(canMove ? of('move a clock', any(memberNames), any(memberNames), any(dispatcherNames)) : []),
      ...of('freeze', any(memberNames), any([...workerNames, ...dispatcherNames])),
      ...of('crash Postgres', 'Postgres'),
      ...of('kill the broker', 'Kafka'),
      ...of('cut from Postgres', any(memberNames), any(memberNames)),
      ...of('cut from Kafka', 'Kafka'),
      ...of('cut from clients', any(apiNames)),
      ...of('slow Postgres', any(memberNames)),
      ...of('slow Kafka', 'Kafka'),
      ...of(
        'lose an answer of Postgres',
        any(apiNames),
        any(apiNames),
        any(workerNames),
        any(dispatcherNames),
      ),
      ...of('lose an answer of Kafka', 'Kafka'),
      ...of('lose an answer to a client', any(apiNames), any(apiNames)),
    ];
  }

  private begin({ kind, name }: Fault): void {
    this.counts.set(kind, this.count(kind) + 1);
    this.chaos.tell(`${kind}: ${name}`);
    const ended: Promise<void> = this.befall(kind, name)
      .catch((error: unknown) => void this.failures.push(error))
      .finally(() => this.underWay.delete(ended));
    this.underWay.add(ended);
  }

  private async befall(kind: FaultKind, name: string): Promise<void> {
    const { chaos, random } = this;
    const postgres = chaos.postgres.get(name);
    switch (kind) {
      case 'kill':
        return this.alone(name, () => this.kill(name));
      case 'kill with a wrong clock':
        return this.alone(name, () => {
          this.moveClock(name);
          return this.kill(name);
        });
      case 'freeze':
        return this.alone(name, () => chaos.freeze(name, random.pick(freezeSeconds)));
      case 'crash Postgres':
        return this.alone(name, () => this.crashPostgres());
      case 'kill the broker':
        return this.alone(name, () => this.killBroker());
      case 'cut from Postgres':
        return postgres?.cut();
      case 'cut from Kafka':
        return chaos.kafka.cut(() => random.below(2) === 0);
      case 'cut from clients':
        return chaos.http.get(name)?.cut();
      case 'slow Postgres':
        return this.forAWhile((delayMs) => postgres?.slow(delayMs));
      case 'slow Kafka':
        return this.forAWhile((delayMs) => chaos.kafka.slow(delayMs));
      case 'lose an answer of Postgres': {
        const bytes = name.startsWith('worker') && random.below(2) === 0 ? checkpointBytes : commitBytes;
        return void postgres?.once(bytes, 'cut-after');
      }
      case 'lose an answer of Kafka':
        return chaos.kafka.loseNext(1 + random.below(3), { isSilent: random.below(4) === 0 });
      case 'lose an answer to a client':
        return void chaos.http.get(name)?.once('POST /v1/transactions', 'cut-after');
      case 'move a clock':
        return this.moveClock(name);
    }
  }

  /** One after the other for each member: who is frozen or being started can't be killed. */
  private async alone(name: string, harm: () => Promise<void>): Promise<void> {
    while (this.busy.has(name)) await sleep(50);
    this.busy.add(name);
    try {
      await harm();
    } finally {
      this.busy.delete(name);
    }
  }

  private async kill(name: string): Promise<void> {
    while (this.down >= downMax) await sleep(50);
    this.down++;
    try {
      await this.chaos.kill(name);
      this.chaos.tell(`${name} is dead`);
      await sleep(this.random.below(1_000));
      await this.chaos.up(name);
      this.chaos.tell(`${name} is ready again`);
    } finally {
      this.down--;
    }
  }

  private async crashPostgres(): Promise<void> {
    const { database } = this.chaos.fleet;
    await database.stopPostgres('immediate');
    await sleep(this.random.below(3_000));
    await database.startPostgres();
    this.chaos.tell('Postgres is back');
  }

  private async killBroker(): Promise<void> {
    const { broker } = this.chaos.fleet;
    await broker?.stop('SIGKILL');
    await sleep(this.random.below(4_000));
    await broker?.start();
    this.chaos.tell('the broker is back');
  }

  private async forAWhile(slow: (delayMs: number) => void): Promise<void> {
    slow(20 + this.random.below(200));
    await sleep(1_000 + this.random.below(3_000));
    slow(0);
  }

  private moveClock(name: string): void {
    const isDispatcher = name.startsWith('dispatcher');
    const offset = this.random.pick(isDispatcher ? dispatcherOffsetsSeconds : clockOffsetsSeconds);
    this.chaos.clocks.set(name, offset);
    this.chaos.tell(`the clock of ${name} is ${offset} s wrong`);
  }

  private shuffled<T>(items: readonly T[]): T[] {
    const left = [...items];
    return items.map(() => left.splice(this.random.below(left.length), 1)[0]!);
  }
}
