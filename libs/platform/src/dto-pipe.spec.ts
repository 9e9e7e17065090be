import 'reflect-metadata';
import { IsOptional, IsString, MaxLength } from 'class-validator';
import { ApiError } from './api-error.js';
import { DtoPipe } from './dto-pipe.js';

class Name {
  @IsString()
  @MaxLength(5)
  name!: string;

  @IsOptional()
  @IsString()
  nick?: string;
}

class Nothing {}

const pipe = new DtoPipe();

function pathsRefused(
  value: unknown,
  type: 'body' | 'query' = 'body',
  metatype: typeof Name | typeof Nothing = Name,
) {
  try {
    pipe.transform(value, { type, metatype });
    return null;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    expect([error.status, error.code]).toEqual([400, 'validation_error']);
    return error.details.map(({ path }) => path);
  }
}

describe('a body and its class', () => {
  it('that fit give an object of the class, with the values as sent', () => {
    const dto = pipe.transform({ name: 'Bob' }, { type: 'body', metatype: Name });
    expect(dto).toBeInstanceOf(Name);
    expect({ ...(dto as Name) }).toEqual({ name: 'Bob' });
  });

  it.each<[string, unknown, string[]]>([
    ['a field unknown', { name: 'Bob', nmae: 'x' }, ['nmae']],
    [
      'a field named like a method',
      { name: 'Bob', constructor: 1, toString: 1 },
      ['constructor', 'toString'],
    ],
    ['a field missing', {}, ['name']],
    ['a field of another type', { name: 5 }, ['name']],
    ['a field too long', { name: 'Robert' }, ['name']],
    ['a list', [], ['body']],
    ['a text', 'Bob', ['body']],
    ['null', null, ['body']],
    ['nothing', undefined, ['body']],
  ])('that do not fit are refused: %s', (_, value, paths) => {
    expect(pathsRefused(value)).toEqual(paths);
  });
});

describe('a query and its class', () => {
  it.each<[string, Record<string, unknown>, string[] | null]>([
    ['known', { name: 'Bob' }, null],
    ['unknown', { name: 'Bob', 'filter[naem]': 'x' }, ['filter[naem]']],
    ['given twice', { name: ['Bob', 'Eve'] }, ['name']],
    ['with U+0000', { name: 'B\0b' }, ['name']],
    ['with an unpaired surrogate', { name: '\ud83d' }, ['name']],
  ])('%s', (_, query, paths) => {
    expect(pathsRefused(query, 'query')).toEqual(paths);
  });

  it('a class without fields takes none', () => {
    expect(pathsRefused({}, 'query', Nothing)).toBeNull();
    expect(pathsRefused({ a: 'x' }, 'query', Nothing)).toEqual(['a']);
  });
});

it('a parameter of the path is left as it is', () => {
  expect(pipe.transform('x', { type: 'param', metatype: String })).toBe('x');
});
