import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Comparison, Numbered, Question, Snapshot } from './receiver/protocol.js';

const ANSWER_MS_MAX = 60_000;

/** The receiver as the benchmark sees it: an address, and what has come there. */
export class ReceiverProcess {
  private readonly waiting = new Map<number, (content: unknown) => void>();
  private lastNumber = 0;
  private port = 0;

  private constructor(private readonly child: ChildProcess) {
    child.on('message', ({ number, content }: Numbered<unknown>) => {
      this.waiting.get(number)?.(content);
      this.waiting.delete(number);
    });
  }

  static async start(): Promise<ReceiverProcess> {
    const child = fork(fileURLToPath(new URL('receiver/main.js', import.meta.url)));
    const receiver = new ReceiverProcess(child);
    receiver.port = (await receiver.answerTo(0)) as number;
    return receiver;
  }

  url(inbox: string): string {
    return `http://127.0.0.1:${this.port}/${inbox}`;
  }

  async reset(): Promise<void> {
    await this.ask({ ask: 'reset' });
  }

  async resetLatency(): Promise<void> {
    await this.ask({ ask: 'reset-latency' });
  }

  async snapshot(): Promise<Snapshot> {
    return (await this.ask({ ask: 'snapshot' })) as Snapshot;
  }

  async compare(inboxes: readonly string[], eventIds: readonly string[]): Promise<Comparison> {
    return (await this.ask({ ask: 'compare', inboxes, eventIds })) as Comparison;
  }

  stop(): void {
    this.child.kill('SIGKILL');
  }

  private ask(question: Question): Promise<unknown> {
    this.lastNumber += 1;
    const answer = this.answerTo(this.lastNumber);
    this.child.send({ number: this.lastNumber, content: question } satisfies Numbered<Question>);
    return answer;
  }

  private answerTo(number: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        this.waiting.delete(number);
        reject(new Error(`The receiver has not answered within ${ANSWER_MS_MAX} ms.`));
      }, ANSWER_MS_MAX);
      this.waiting.set(number, (content) => {
        clearTimeout(late);
        resolve(content);
      });
    });
  }
}
