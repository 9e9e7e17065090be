import { makeValidator } from 'envalid';

/** The kinds of settings that an app has, beyond envalid's own. A wrong one says what it must be. */
export const databaseUrl = makeValidator<string>((value) => {
  const isPostgres = /^postgres(ql)?:\/\//.test(value) && URL.canParse(value);
  if (!isPostgres) throw new Error('it must be a postgres:// URL');
  return value;
});

export const secretsKey = makeValidator<string>((value) => {
  const isBase64 = /^[A-Za-z0-9+/]{43}=$/.test(value);
  if (!isBase64) throw new Error('it must be 32 bytes in base64');
  return value;
});

export const oneOf = <Choice extends string>(choices: readonly Choice[]) =>
  makeValidator<Choice>((value) => {
    const choice = choices.find((candidate) => candidate === value);
    if (choice === undefined) throw new Error(`it must be one of ${choices.join(', ')}`);
    return choice;
  });

export const positive = makeValidator<number>((value) => {
  if (!/^[1-9][0-9]{0,14}$/.test(value)) throw new Error('it must be a whole number above zero');
  return Number(value);
});

export const trueOrFalse = makeValidator<boolean>((value) => {
  const text = String(value);
  if (text !== 'true' && text !== 'false') throw new Error('it must be true or false');
  return text === 'true';
});
