/** Where two answers differ first, and how. */
import { isDeepStrictEqual } from 'node:util';

export function difference(actual: unknown, expected: unknown, path = ''): string {
  if (isBranch(actual) && isBranch(expected)) {
    const names = new Set([...Object.keys(actual), ...Object.keys(expected)]);
    for (const name of names) {
      if (isDeepStrictEqual(actual[name], expected[name])) continue;
      return difference(actual[name], expected[name], path === '' ? name : `${path}.${name}`);
    }
  }
  return `${path} is ${told(actual)}, the model says ${told(expected)}`;
}

const isBranch = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

const told = (value: unknown): string => (JSON.stringify(value) ?? 'nothing').slice(0, 600);
