/** Takes one thing of a request for another, adds one, or leaves one out: most often to no good. */
import type { Operation } from './program.js';
import type { Random } from './random.js';

type Part = Record<string, unknown> | unknown[];

const deep = { a: { b: { c: { d: 1 } } } };
const manyKeys = Object.fromEntries(Array.from({ length: 51 }, (_, n) => [`k${n}`, n]));
const long = 'x'.repeat(257);
const wrongValues: readonly unknown[] = [
  ...[null, null, null, null, true, false, 0, -1, 1.5, 7, '', ' ', 'x', '0', '-1', [], {}],
  ...['\0', '\ud800', long, '\u{1f600}'.repeat(256), 'x'.repeat(4_097)],
  ...[deep, deep.a, manyKeys, { text: long.repeat(16) }, JSON.parse('{"__proto__": 1}'), { '\0': 1 }],
];
const wrongBodies: readonly unknown[] = [null, [], {}, 'x', 1, undefined];
const wrongTexts = [
  '',
  ' ',
  'x',
  '-1',
  '0',
  '01',
  '1.5',
  '101',
  '\0',
  'acc_1',
  'ROOT',
  '2024-02-30T00:00:00Z',
  long,
];

export function spoilt(random: Random, operation: Operation): Operation {
  const { method, query = {}, body } = operation;
  if (method === 'GET') return { ...operation, query: spoiltQuery(random, query) };
  if (random.chance(5) && method === 'POST') return { ...operation, body: random.pick(wrongBodies) };
  return isPart(body) ? { ...operation, body: spoiltPart(random, body) } : operation;
}

function spoiltQuery(random: Random, query: Readonly<Record<string, string>>) {
  const names = Object.keys(query);
  if (names.length === 0 || random.chance(25)) return { ...query, [random.pick(strangeNames)]: 'EUR' };
  return { ...query, [random.pick(names)]: random.pick(wrongTexts) };
}

const strangeNames = ['filtre', 'currency', 'filter[name]', 'page[size]', 'at', '\0'];

const isPart = (value: unknown): value is Part => typeof value === 'object' && value !== null;

function spoiltPart(random: Random, part: Part): Part {
  const within = Object.entries(part).filter(([, value]) => isPart(value) && Object.keys(value).length > 0);
  if (within.length > 0 && random.chance(60)) {
    const [name, inner] = random.pick(within);
    return withValue(part, name, spoiltPart(random, inner as Part));
  }
  const names = Object.keys(part);
  if (Array.isArray(part))
    return withValue(part, String(random.below(part.length)), random.pick(wrongValues));
  return random.weighted<() => Part>([
    [6, () => withValue(part, random.pick(names), random.pick(wrongValues))],
    [2, () => Object.fromEntries(Object.entries(part).filter(([name]) => name !== random.pick(names)))],
    [1, () => withValue(part, random.pick(strangeFields), random.pick(wrongValues))],
    [2, () => withValue(part, random.pick(optionalFields), null)],
  ])();
}

const strangeFields = ['refrence', 'id', 'balance', 'currency', '\0', 'final', 'reason'];
/** Of some requests or others. */
const optionalFields = [
  ...['reference', 'externalId', 'metadata', 'pending', 'expiresAt', 'effectiveAt', 'conditions', 'dryRun'],
  ...['exchangeRate', 'ownerId', 'visibility', 'maxBalance', 'openingBalance', 'reason', 'amount', 'final'],
];

function withValue(part: Part, name: string, value: unknown): Part {
  if (!Array.isArray(part)) return { ...part, [name]: value };
  return part.map((each, n) => (String(n) === name ? value : each));
}
