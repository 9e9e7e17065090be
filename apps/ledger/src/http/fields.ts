import { scopes, type Scope } from '#access';
import { amountDigitsMax, parseAmount, parseSignedAmount } from '#domain';
import { field, rule, type FieldOptions } from '#openapi';
import { isAccountReference } from './ids.js';
import { accountReferencePattern } from '#contracts';

/** Above zero, in minor units. */
export const AmountField = (options: FieldOptions) =>
  field(
    options,
    {
      oneOf: [
        { type: 'string', pattern: `^[1-9][0-9]{0,${amountDigitsMax - 1}}$` },
        { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER },
      ],
    },
    rule(
      'amount',
      `must be a whole number above zero, as a string of at most ${amountDigitsMax} digits or a safe integer`,
      (value) => parseAmount(value) !== null,
    ),
  );

/** A limit: minor units, may be negative. */
export const LimitField = (options: FieldOptions) =>
  field(
    options,
    {
      oneOf: [
        { type: 'string', pattern: `^(0|-?[1-9][0-9]{0,${amountDigitsMax - 1}})$` },
        { type: 'integer', minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER },
      ],
    },
    rule(
      'limit',
      `must be a whole number, as a string of at most ${amountDigitsMax} digits or a safe integer`,
      (value) => parseSignedAmount(value) !== null,
    ),
  );

export const AccountField = (options: FieldOptions) =>
  field(
    options,
    { type: 'string', pattern: accountReferencePattern },
    rule(
      'account',
      'must be an account id (acc_…) or ROOT',
      (value) => typeof value === 'string' && isAccountReference(value),
    ),
  );

const currencyCode = /^[A-Za-z0-9]{1,32}$/;

export const CurrencyField = (options: FieldOptions) =>
  field(
    options,
    { type: 'string', pattern: currencyCode.source },
    rule(
      'currency',
      'must be a currency code',
      (value) => typeof value === 'string' && currencyCode.test(value),
    ),
  );

const isScope = (value: unknown): boolean => scopes.includes(value as Scope);

export const ScopesField = (options: FieldOptions) =>
  field(
    options,
    { type: 'array', items: { type: 'string', enum: [...scopes] }, uniqueItems: true },
    rule(
      'scopes',
      `must be a list, without repeats, of ${scopes.join(', ')}`,
      (value) =>
        Array.isArray(value) && value.every(isScope) && new Set<unknown>(value).size === value.length,
    ),
  );

const metadataBytesMax = 4_096;
const metadataKeysMax = 50;
const metadataLevelsMax = 4;

/** Any JSON object within 4 KB, 50 keys and 4 levels. */
export const MetadataField = (options: FieldOptions) =>
  field(
    options,
    { type: 'object', additionalProperties: true },
    rule(
      'metadata',
      `must be a JSON object of at most ${metadataBytesMax} bytes, ${metadataKeysMax} keys and ${metadataLevelsMax} levels in all`,
      isMetadata,
    ),
  );

function isMetadata(value: unknown): boolean {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return false;
  if (levelsOf(value) > metadataLevelsMax || keysOf(value) > metadataKeysMax) return false;
  if (!hasOnlyFiniteNumbers(value)) return false;
  return Buffer.byteLength(JSON.stringify(value)) <= metadataBytesMax;
}

function childrenOf(value: unknown): unknown[] {
  return value !== null && typeof value === 'object' ? Object.values(value) : [];
}

/** Stops one level past the limit, so that depth costs nothing. */
function levelsOf(value: unknown, level = 1): number {
  if (value === null || typeof value !== 'object') return level - 1;
  let levels = level;
  for (const child of level > metadataLevelsMax ? [] : childrenOf(value)) {
    levels = Math.max(levels, levelsOf(child, level + 1));
  }
  return levels;
}

function keysOf(value: unknown): number {
  const isObject = value !== null && typeof value === 'object' && !Array.isArray(value);
  return childrenOf(value).reduce<number>(
    (sum, child) => sum + keysOf(child),
    isObject ? Object.keys(value).length : 0,
  );
}

/** 1e400 is JSON, is read as infinity and would be kept as null. */
function hasOnlyFiniteNumbers(value: unknown): boolean {
  return typeof value === 'number' ? Number.isFinite(value) : childrenOf(value).every(hasOnlyFiniteNumbers);
}
