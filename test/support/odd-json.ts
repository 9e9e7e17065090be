import type { SeededRandom } from './seeded-random.js';

/** A body that is odd in one way, and whether it must be refused for it. */
export interface OddBody {
  readonly kind: string;
  readonly bytes: Buffer;
  readonly isRefused: boolean;
}

type Make = (text: string, random: SeededRandom) => string | Buffer;

/** Of a key that is there twice the last one counts. */
const atTheEnd = (added: string) => (text: string) => text.replace(/}$/, `,${added}}`);
const nested = (depth: number, open: string, close: string) => open.repeat(depth) + close.repeat(depth);
const megabyte = 1_000_000;

/** One of the values in the text is another. */
function withValue(text: string, random: SeededRandom, value: string): string {
  const values = [...text.matchAll(/(?<=":)("[^"]*"|\d+|true|false|null)/g)];
  if (values.length === 0) return value;
  const { index, 0: old } = random.pick(values);
  return text.slice(0, index) + value + text.slice(index + old.length);
}

const oddValues = [
  '1e400',
  '-1e400',
  '-0',
  '0.1',
  '1e-400',
  '123456789012345678901234567890',
  '1E2',
  '"1e3"',
  '"-0"',
  '"00"',
  '""',
  '" "',
  'null',
  'true',
  '[]',
  '{}',
  '[null]',
  '{"":{"":""}}',
  '"\\ud83c\\udfe6"',
  `"${'x'.repeat(257)}"`,
  `"${'9'.repeat(37)}"`,
  '"9999-12-31T23:59:59.9999999Z"',
  '"2026-02-30T00:00:00Z"',
  '"acc_8zzzzzzzzzzzzzzzzzzzzzzzzz"',
  '"ROOT"',
  '"EXCHANGE"',
  '"constructor"',
];

const refused: Readonly<Record<string, Make>> = {
  'a prototype': atTheEnd('"__proto__":{"amount":1}'),
  'escaped __proto__': atTheEnd('"\\u005f_proto__":1'),
  'an unknown key': atTheEnd('"toString":1'),
  'a key of 100 KB': atTheEnd(`"${'k'.repeat(100_000)}":1`),
  'an empty key': atTheEnd('"":1'),
  'a lone surrogate': atTheEnd('"name":"\\ud800"'),
  'U+0000': atTheEnd('"reference":"a\\u0000b"'),
  'U+0000 as a byte': (text) => text.replace('{', '{"a\0":1,'),
  'arrays 10,000 deep': atTheEnd(`"metadata":${nested(10_000, '[', ']')}`),
  'objects 10,000 deep': atTheEnd(`"metadata":${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`),
  '1 MB of arrays': atTheEnd(`"metadata":[${'[],'.repeat(megabyte / 3 - 100)}[]]`),
  '1 MB of numbers': atTheEnd(`"metadata":[${'1,'.repeat(megabyte / 2 - 100)}1]`),
  'more than may come': (text) => text.padEnd(6 * megabyte),
  'invalid UTF-8': (text) => Buffer.concat([Buffer.from(text.slice(0, 2)), Buffer.from([0xc3, 0x28, 0xff])]),
  'UTF-16': (text) => Buffer.from(text, 'utf16le'),
  'garbage behind it': (text, random) => text + random.pick(['}', ',', '{}', 'x', '\0', '/*', '\u00a0']),
  'a comment': (text) => `// none\n${text}`,
  'single quotes': (text) => text.replaceAll('"', "'"),
  'half of it': (text, random) => text.slice(0, 1 + random.below(text.length - 1)),
  NaN: (text, random) =>
    withValue(text, random, random.pick(['NaN', 'Infinity', 'undefined', '01', '+1', '.5'])),
  'no object': (_text, random) => random.pick(['[]', 'null', '"x"', '1', 'true', '[{}]', ' ']),
};

const maybe: Readonly<Record<string, Make>> = {
  'a byte order mark': (text) => `\ufeff${text}`,
  'a key twice': (text) => text.replace(/"(\w+)":/, (found) => `${found}null,${found}`),
  'an odd value': (text, random) => withValue(text, random, random.pick(oddValues)),
  'two odd values': (text, random) =>
    withValue(withValue(text, random, random.pick(oddValues)), random, random.pick(oddValues)),
  'a bit that is wrong': (text, random) => {
    const bytes = Buffer.from(text);
    const at = random.below(bytes.length);
    bytes[at] = bytes[at]! ^ (1 << random.below(8));
    return bytes;
  },
  'blanks all over': (text) => text.replaceAll(/[{}:,]/g, '\r\n\t $& '),
};

export const oddBodyKinds: readonly string[] = [...Object.keys(refused), ...Object.keys(maybe)];

/** @param text a proper body, as JSON without blanks */
export function oddBody(kind: string, text: string, random: SeededRandom): OddBody {
  const make = refused[kind] ?? maybe[kind]!;
  return { kind, bytes: Buffer.from(make(text, random)), isRefused: kind in refused };
}
