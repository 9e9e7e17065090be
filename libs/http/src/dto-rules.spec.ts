import 'reflect-metadata';
import {
  IsDefined,
  IsInt,
  IsOptional,
  IsString,
  MaxLength,
  Min,
  ValidateBy,
  ValidateIf,
  validateSync,
} from 'class-validator';
import { rulesOf } from './dto-rules.js';

const always = (validate: () => boolean | Promise<boolean>, async = false) =>
  ValidateBy({ name: 'always', async, validator: { validate } });

class Thing {
  @IsString()
  @MaxLength(5)
  name!: string;
}

/** Inherits rules, has several of a field, and conditions of both kinds. */
class Person extends Thing {
  @IsOptional()
  @IsInt()
  @Min(18, { message: 'too young' })
  age?: number | null;

  @ValidateIf((dto: Person) => dto.age !== 20)
  @ValidateIf((_, value) => value !== 'secret')
  @IsString()
  nick?: string;

  @ValidateBy({
    name: 'self',
    constraints: ['word'],
    validator: {
      validate: (value, given) => {
        const { name } = given!.object as Person;
        return given!.constraints[0] === 'word' && given!.targetName === 'Person' && value === name;
      },
    },
  })
  again!: string;
}

const names = [undefined, null, 'Bob', 'Robert', 5, ''];
const ages = [undefined, null, 17, 18, 20, 18.5, '18'];
const nicks = [undefined, 'B', 'secret', 7];
const people = names.flatMap((name) =>
  ages.flatMap((age) => nicks.flatMap((nick) => ['Bob', name].map((again) => ({ name, age, nick, again })))),
);

function isValid(dto: object): boolean {
  return validateSync(dto, { forbidUnknownValues: false, stopAtFirstError: true }).length === 0;
}

it('are kept by an object just where class-validator finds no error', () => {
  const { areKept } = rulesOf(Person);
  const verdicts = people.map((fields) => {
    const person = Object.assign(new Person(), fields);
    return { fields, found: areKept(person), expected: isValid(person) };
  });
  expect(verdicts.filter(({ found, expected }) => found !== expected)).toEqual([]);
  expect(new Set(verdicts.map(({ found }) => found))).toEqual(new Set([true, false]));
});

it('name every field of the class and of those above it', () => {
  expect([...rulesOf(Person).fields].sort()).toEqual(['again', 'age', 'name', 'nick']);
});

it('are kept by an object of a class without fields', () => {
  expect(rulesOf(class Nothing {}).areKept({})).toBe(true);
});

class Each {
  @IsString({ each: true })
  field = ['a'];
}
class Conditional {
  @IsString({ validateIf: () => false })
  field = 'a';
}
class Defined {
  @IsDefined()
  field = 'a';
}
class Asynchronous {
  @always(() => Promise.resolve(true), true)
  field = 'a';
}
class Promised {
  @always(() => Promise.resolve(true))
  field = 'a';
}

it.each([Each, Conditional, Defined, Asynchronous, Promised])(
  'of a kind that is left to class-validator are not judged: %p',
  (dtoClass) => {
    expect(isValid(new dtoClass())).toBe(true);
    expect(rulesOf(dtoClass).areKept(new dtoClass())).toBe(false);
  },
);
