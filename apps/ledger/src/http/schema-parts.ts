import type { OpenAPIObject } from '@nestjs/swagger';
import { accountStatuses, systemAccountNames, visibilities } from '#domain';

type Components = NonNullable<OpenAPIObject['components']>;
type SchemaOrReference = NonNullable<Components['schemas']>[string];
export type ReferenceObject = Extract<SchemaOrReference, { $ref: string }>;
export type SchemaObject = Omit<Exclude<SchemaOrReference, ReferenceObject>, 'examples'> & {
  examples?: unknown[];
};

export const exampleIds = {
  account: 'acc_01jd3v4wqzfxs9v5n6m7k8h2re',
  otherAccount: 'acc_01jd3v52b8e4tsk2xw3g9r5c1f',
  transaction: 'txn_01jd3v5m7yf8rb6q0n4j2d9ktw',
  event: 'evt_01jd3v5m80ecq93pzx1h6s7avg',
  ledger: 'ldg_01jd3v4r1ke0m8n2c5b7d9f3hs',
  key: 'key_01jd3v4r2wf5jbx6t8q0k4m7zn',
} as const;

/** A TypeID of 128 bits in Crockford's base32, which has no i, l, o or u. */
const suffix = '[0-7][0-9a-hjkmnp-tv-z]{25}';
const accountReferences = [`acc_${suffix}`, ...systemAccountNames].join('|');

export const accountIdPattern = `^acc_${suffix}$`;
export const accountReferencePattern = `^(${accountReferences})$`;

export function text(description: string, example?: unknown, rest: SchemaObject = {}): SchemaObject {
  return { type: 'string', ...rest, description, ...(example === undefined ? {} : { examples: [example] }) };
}

export const typeId = (prefix: string, description: string, example: string) =>
  text(description, example, { pattern: `^${prefix}_${suffix}$` });

/** An account's id, or the name of a system account. */
export const accountReference = (description: string, example: string = exampleIds.account) =>
  text(description, example, { pattern: accountReferencePattern });

export const amount = (description: string, example: string) =>
  text(`${description}, in minor units of the currency`, example, { pattern: '^(0|[1-9][0-9]*)$' });

export const signedAmount = (description: string, example: string) =>
  text(`${description}, in minor units of the currency`, example, { pattern: '^(0|-?[1-9][0-9]*)$' });

export const currency = (description = 'The code of the currency: ISO 4217') =>
  text(description, 'EUR', { pattern: '^[A-Za-z0-9]{1,32}$' });

export const position = (description: string, example = '17') =>
  text(description, example, { pattern: '^(0|[1-9][0-9]*)$' });

export const time = (description: string, example = '2026-01-31T09:15:27.482913Z') =>
  text(`${description}: ISO 8601 in UTC with microseconds`, example, {
    format: 'date-time',
    pattern: '\\.[0-9]{6}Z$',
  });

export const sha256 = (description: string, digit: string) =>
  text(`${description}, in hexadecimal`, digit.repeat(64), { pattern: '^[0-9a-f]{64}$' });

export const count = (description: string, example: number): SchemaObject => ({
  type: 'integer',
  minimum: 0,
  description,
  examples: [example],
});

export const choice = (choices: readonly string[], description: string): SchemaObject =>
  text(description, choices[0], { enum: [...choices] });

export const visibility = choice(visibilities, 'Who may see it');
export const accountStatus = choice(accountStatuses, 'A frozen or closed account neither gives nor takes');

export const metadata: SchemaObject = {
  type: 'object',
  additionalProperties: true,
  description: 'What the client has put there: any JSON object',
  examples: [{ tier: 'gold' }],
};

/** The same schema where null is a value too, shown in its place. */
export function nullable(schema: SchemaObject, example: unknown = schema.examples?.[0]): SchemaObject {
  const { type, examples: _, ...rest } = schema;
  const choices = schema.enum as unknown[] | undefined;
  return {
    ...rest,
    type: [type as string, 'null'],
    ...(choices ? { enum: [...choices, null] } : {}),
    ...(example === undefined ? {} : { examples: [example] }),
  };
}

export const listOf = (name: string, description: string): SchemaObject => ({
  type: 'array',
  items: ref(name),
  description,
});

/** Every property is there always, those named optional aside. */
export function object(
  properties: Record<string, SchemaObject | ReferenceObject>,
  description: string,
  optional: readonly string[] = [],
): SchemaObject {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: 'object', description, required, properties };
}

export function ref(name: string): ReferenceObject {
  return { $ref: `#/components/schemas/${name}` };
}
