import { RecentAnswers } from './recent-answers.js';

interface Found {
  readonly text: string;
}

/** Knows what begins with "known"; its answers wait until they are let go. */
class Source {
  asked: string[] = [];
  private readonly waiting: (() => void)[] = [];
  isHeld = false;
  readonly answers = new RecentAnswers<Found>(async (text) => {
    this.asked.push(text);
    if (this.isHeld) await new Promise<void>((resolve) => this.waiting.push(resolve));
    if (text === 'broken') throw new Error('no database');
    return text.startsWith('known') ? { text } : null;
  });

  letGo(): void {
    this.isHeld = false;
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}

let nowMs = 0;
let source: Source;

beforeEach(() => {
  nowMs = 1_000;
  import.meta.jest.spyOn(performance, 'now').mockImplementation(() => nowMs);
  source = new Source();
});
afterEach(() => import.meta.jest.restoreAllMocks());

test('what was found is given without a promise for 900 ms, and is then looked up again', async () => {
  expect(await source.answers.of('known')).toEqual({ text: 'known' });
  nowMs += 899;
  expect(source.answers.of('known')).toEqual({ text: 'known' });
  nowMs += 2;
  expect(source.answers.of('known')).toBeInstanceOf(Promise);
  expect(source.asked).toEqual(['known', 'known']);
});

test('so is that there is nothing', async () => {
  expect(await source.answers.of('nobody')).toBeNull();
  expect(source.answers.of('nobody')).toBeNull();
  nowMs += 901;
  expect(await source.answers.of('nobody')).toBeNull();
  expect(source.asked).toEqual(['nobody', 'nobody']);
});

test('no number of unknown texts pushes a known one out', async () => {
  await source.answers.of('known');
  for (let number = 0; number < 20_000; number++) await source.answers.of(`nobody ${number}`);
  expect(source.answers.of('known')).toEqual({ text: 'known' });
});

test('concurrent calls share a look-up, but no call joins one that may be older than 900 ms', async () => {
  source.isHeld = true;
  const first = source.answers.of('known');
  nowMs += 899;
  expect(source.answers.of('known')).toBe(first);
  nowMs += 2;
  const second = source.answers.of('known');
  expect(second).not.toBe(first);
  source.letGo();
  expect(await Promise.all([first, second])).toEqual([{ text: 'known' }, { text: 'known' }]);
  expect(source.asked).toEqual(['known', 'known']);
});

test('the age of an answer counts from when it was asked for, however long it took', async () => {
  source.isHeld = true;
  const first = source.answers.of('known');
  nowMs += 5_000;
  source.letGo();
  await first;
  expect(source.answers.of('known')).toBeInstanceOf(Promise);
});

test('a look-up that fails is not remembered', async () => {
  await expect(source.answers.of('broken')).rejects.toThrow('no database');
  await expect(source.answers.of('broken')).rejects.toThrow('no database');
  expect(source.asked).toEqual(['broken', 'broken']);
});

test('there are no more than 500 look-ups under way', async () => {
  source.isHeld = true;
  const underWay = Array.from({ length: 500 }, (_, number) => source.answers.of(`known ${number}`));
  await expect(source.answers.of('known')).rejects.toMatchObject({ status: 503, code: 'overloaded' });
  source.letGo();
  await Promise.all(underWay.map((answer) => Promise.resolve(answer)));
  expect(await source.answers.of('known')).toEqual({ text: 'known' });
});

test('what was there before is looked up at once, however many wait that nobody has heard of', async () => {
  await source.answers.of('known');
  nowMs += 901;
  source.isHeld = true;
  const strange = Array.from({ length: 500 }, (_, number) => source.answers.of(`nobody ${number}`));
  await expect(source.answers.of('nobody else')).rejects.toMatchObject({ status: 503, code: 'overloaded' });
  const familiar = source.answers.of('known');
  expect(source.asked).toEqual(['known', 'nobody 0', 'nobody 1', 'known']);
  source.letGo();
  expect(await familiar).toEqual({ text: 'known' });
  for (const answer of strange) expect(await answer).toBeNull();
  expect(await source.answers.of('nobody else')).toBeNull();
});

test('who waits in line has a turn after a look-up that fails, too', async () => {
  source.isHeld = true;
  const [broken, again] = [source.answers.of('broken'), source.answers.of('nobody')];
  const behind = source.answers.of('known');
  expect(source.asked).toEqual(['broken', 'nobody']);
  source.letGo();
  await expect(broken).rejects.toThrow('no database');
  expect(await Promise.all([again, behind])).toEqual([null, { text: 'known' }]);
});
