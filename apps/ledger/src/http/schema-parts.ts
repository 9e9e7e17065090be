import { accountStatuses, systemAccountNames, visibilities } from '#domain';
import { choice, text, typeIdPattern, typeIdSuffix, type SchemaObject } from '#openapi';

export const exampleIds = {
  account: 'acc_01jd3v4wqzfxs9v5n6m7k8h2re',
  otherAccount: 'acc_01jd3v52b8e4tsk2xw3g9r5c1f',
  transaction: 'txn_01jd3v5m7yf8rb6q0n4j2d9ktw',
  event: 'evt_01jd3v5m80ecq93pzx1h6s7avg',
  ledger: 'ldg_01jd3v4r1ke0m8n2c5b7d9f3hs',
  key: 'key_01jd3v4r2wf5jbx6t8q0k4m7zn',
} as const;

const accountReferences = [`acc_${typeIdSuffix}`, ...systemAccountNames].join('|');

export const accountIdPattern = typeIdPattern('acc');
export const accountReferencePattern = `^(${accountReferences})$`;

/** An account's id, or the name of a system account. */
export const accountReference = (description: string, example: string = exampleIds.account) =>
  text(description, example, { pattern: accountReferencePattern });

export const amount = (description: string, example: string) =>
  text(`${description}, in minor units of the currency`, example, { pattern: '^(0|[1-9][0-9]*)$' });

export const signedAmount = (description: string, example: string) =>
  text(`${description}, in minor units of the currency`, example, { pattern: '^(0|-?[1-9][0-9]*)$' });

export const currency = (description = 'The code of the currency: ISO 4217') =>
  text(description, 'EUR', { pattern: '^[A-Za-z0-9]{1,32}$' });

export const sha256 = (description: string, digit: string) =>
  text(`${description}, in hexadecimal`, digit.repeat(64), { pattern: '^[0-9a-f]{64}$' });

export const visibility = choice(visibilities, 'Who may see it');
export const accountStatus = choice(accountStatuses, 'A frozen or closed account neither gives nor takes');

export const metadata: SchemaObject = {
  type: 'object',
  additionalProperties: true,
  description: 'What the client has put there: any JSON object',
  examples: [{ tier: 'gold' }],
};
