import 'reflect-metadata';
import { IsOptional, IsString, MaxLength, ValidateBy, ValidateIf } from 'class-validator';
import { refusedPaths } from '../../../test/support/refused-paths.js';
import { DtoPipe } from './dto-pipe.js';
import { AcrossFields, ItemsOf, MayBeMissing } from './dto-rules.js';

class Name {
  @IsString()
  @MaxLength(5)
  name!: string;

  @IsOptional()
  @IsString()
  nick?: string;
}

class Nothing {}

const atMost = (max: number) =>
  ValidateBy({
    name: 'list',
    validator: { validate: (value) => Array.isArray(value) && value.length <= max },
  });

@AcrossFields(({ from, to }: Range) => (from < to ? [] : [{ path: 'to', message: 'must be more' }]))
class Range {
  @ValidateBy({ name: 'number', validator: { validate: (value) => typeof value === 'number' } })
  from!: number;

  @ValidateBy({ name: 'number', validator: { validate: (value) => typeof value === 'number' } })
  to!: number;
}

@AcrossFields(({ ranges }: Ranges) =>
  ranges?.length === 2 ? [{ path: 'ranges', message: 'must not be two' }] : [],
)
@MayBeMissing()
class Ranges {
  @ValidateIf((_, value) => value !== undefined)
  @atMost(30)
  @ItemsOf(Range)
  ranges?: Range[];
}

/** Its own lists are one level deeper, and what it extends is checked as well. */
class Groups extends Ranges {
  @ValidateIf((_, value) => value !== undefined)
  @atMost(3)
  @ItemsOf(Ranges)
  groups?: Ranges[];
}

const pipe = new DtoPipe();

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
    expect(refusedPaths(value, Name)).toEqual(paths);
  });
});

describe('a body with lists of objects', () => {
  const range = { from: 1, to: 2 };
  it.each<[string, unknown, string[] | null]>([
    ['none', {}, null],
    ['nothing at all', undefined, null],
    ['an empty one', { ranges: [] }, null],
    ['three in order', { ranges: [range, range, range] }, null],
    ['no list', { ranges: range }, ['ranges']],
    ['a long one', { ranges: Array.from({ length: 31 }, () => ({})) }, ['ranges']],
    ['what is no object', { ranges: [range, 1, null, [range]] }, ['ranges[1]', 'ranges[2]', 'ranges[3]']],
    ['a field unknown', { ranges: [{ ...range, step: 1 }] }, ['ranges[0].step']],
    ['a field missing', { ranges: [range, { from: 1 }, range] }, ['ranges[1].to']],
    ['fields that do not go together', { ranges: [{ from: 2, to: 1 }] }, ['ranges[0].to']],
    ['as many as it must not have', { ranges: [range, range] }, ['ranges']],
    ['lists in lists', { groups: [{}, { ranges: [range, { from: 1 }] }] }, ['groups[1].ranges[1].to']],
    [
      'lists in lists that do not go together',
      { groups: [{ ranges: [range, range] }] },
      ['groups[0].ranges'],
    ],
    ['both', { ranges: [{}], groups: [1] }, ['groups[0]', 'ranges[0].from', 'ranges[0].to']],
  ])('%s', (_, value, paths) => {
    expect(refusedPaths(value, Groups)?.sort() ?? null).toEqual(paths);
  });

  it('is told of twenty faults', () => {
    const ranges = Array.from({ length: 30 }, () => ({}));
    expect(refusedPaths({ ranges }, Groups)).toHaveLength(20);
  });

  it('keeps its items as they were sent', () => {
    const sent = { ranges: [range] };
    const dto = pipe.transform(sent, { type: 'body', metatype: Ranges }) as Ranges;
    expect(dto.ranges![0]).toBe(range);
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
    expect(refusedPaths(query, Name, 'query')).toEqual(paths);
  });

  it('a class without fields takes none', () => {
    expect(refusedPaths({}, Nothing, 'query')).toBeNull();
    expect(refusedPaths({ a: 'x' }, Nothing, 'query')).toEqual(['a']);
  });
});

it('a parameter of the path is left as it is', () => {
  expect(pipe.transform('x', { type: 'param', metatype: String })).toBe('x');
});
