import { typeIdPattern } from './type-ids.js';

/** As much of JSON Schema 2020-12, which is that of OpenAPI 3.1 too, as the schemas of the contracts use. */
export interface JsonSchema {
  $schema?: string;
  $ref?: string;
  title?: string;
  description?: string;
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  pattern?: string;
  format?: 'date-time';
  minimum?: number;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  additionalProperties?: boolean;
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  examples?: unknown[];
}

/** Ids as the examples have them. */
export const exampleIds = {
  account: 'acc_01jd3v4wqzfxs9v5n6m7k8h2re',
  otherAccount: 'acc_01jd3v52b8e4tsk2xw3g9r5c1f',
  transaction: 'txn_01jd3v5m7yf8rb6q0n4j2d9ktw',
  hold: 'txn_01jd3v6kr7eh0tv9a8psy8fhme',
  capture: 'txn_01jd3v77geeg38mhzh33zkf9hf',
  reversal: 'txn_01jd3v7v8nfk88p096tc2cf4ty',
  event: 'evt_01jd3v5m80ecq93pzx1h6s7avg',
  ledger: 'ldg_01jd3v4r1ke0m8n2c5b7d9f3hs',
} as const;

export const accountIdPattern = typeIdPattern('acc');
export const accountReferencePattern = `${accountIdPattern}|^ROOT$|^EXCHANGE$`;

export const text = (description: string, example?: string, rest: JsonSchema = {}): JsonSchema => ({
  type: 'string',
  ...rest,
  description,
  ...(example === undefined ? {} : { examples: [example] }),
});

export const typeId = (prefix: string, description: string, example: string) =>
  text(description, example, { pattern: typeIdPattern(prefix) });

/** An account's id, or the name of a system account. */
export const accountReference = (description: string, example: string = exampleIds.account) =>
  text(description, example, { pattern: accountReferencePattern });

export const amount = (description: string, example: string) =>
  text(`${description}, in minor units of the currency`, example, { pattern: '^(0|[1-9][0-9]*)$' });

export const signedAmount = (description: string, example: string) =>
  text(`${description}, in minor units of the currency`, example, { pattern: '^(0|-?[1-9][0-9]*)$' });

export const currency = (description = "The code of the currency: ISO 4217, or one of the ledger's own") =>
  text(description, 'EUR', { pattern: '^[A-Za-z0-9]{1,32}$' });

export const exchangeRate = (description: string, example = '1.0837') =>
  text(`${description}, as a decimal between major units`, example, {
    pattern: '^(0|[1-9][0-9]*)(\\.[0-9]+)?$',
  });

export const position = (description: string) => text(description, '17', { pattern: '^[1-9][0-9]*$' });

export const time = (description: string, example = '2026-01-31T09:15:27.482913Z') =>
  text(`${description}: ISO 8601 in UTC with microseconds`, example, {
    format: 'date-time',
    pattern: '\\.[0-9]{6}Z$',
  });

export const choice = (choices: readonly string[], description: string) =>
  text(description, choices[0], { enum: [...choices] });

/** From 1. */
export const count = (description: string, example: number): JsonSchema => ({
  type: 'integer',
  minimum: 1,
  description,
  examples: [example],
});

export const metadata: JsonSchema = {
  type: 'object',
  additionalProperties: true,
  description: 'What the client has put there: any JSON object',
  examples: [{ tier: 'gold' }],
};

/** The same where null is a value too. */
export function nullable({ type, enum: choices, ...rest }: JsonSchema): JsonSchema {
  return { ...rest, type: [type as string, 'null'], ...(choices ? { enum: [...choices, null] } : {}) };
}

/** For what only some have: an example of the whole, put together from those of its parts, is of one without it. */
export function withoutExample({ examples: _, ...rest }: JsonSchema): JsonSchema {
  return rest;
}

export const listOf = (items: JsonSchema, description: string): JsonSchema => ({
  type: 'array',
  items,
  description,
});

/** Every property is there always, those named optional aside. Others may be added by a later release. */
export function object(
  properties: Record<string, JsonSchema>,
  description: string,
  optional: readonly string[] = [],
): JsonSchema {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: 'object', description, required, properties };
}
