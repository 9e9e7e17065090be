import { scopes, type Scope } from '#access';
import {
  amountDigitsMax,
  exchangeRateDigitsMax,
  isExchangeRate,
  parseAmount,
  parseSignedAmount,
} from '#domain';
import { field, rule, type FieldOptions } from '#openapi';
import { accountIdPattern } from '#contracts';
import { currencyCode, isPartyReference } from './ids.js';

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
    { type: 'string', pattern: `${accountIdPattern}|^ROOT$` },
    rule(
      'account',
      'must be an account id (acc_…) or ROOT',
      (value) => typeof value === 'string' && isPartyReference(value),
    ),
  );

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

/** A decimal above zero, as a string: a JSON number may have lost digits on its way. */
export const ExchangeRateField = (options: FieldOptions) =>
  field(
    options,
    // Of a whole part with decimals the length lets one digit too many through: to count them takes a lookahead, which
    // not every reader of patterns has.
    {
      type: 'string',
      pattern: `^(0\\.[0-9]*[1-9][0-9]*|[1-9][0-9]{0,${exchangeRateDigitsMax - 1}}(\\.[0-9]+)?)$`,
      maxLength: exchangeRateDigitsMax + 2,
    },
    rule(
      'exchange-rate',
      `must be a decimal above zero, as a string of at most ${exchangeRateDigitsMax} digits`,
      (value) => typeof value === 'string' && isExchangeRate(value),
    ),
  );

export const idempotencyKey = /^[\x21-\x7e]{1,255}$/;

export const IdempotencyKeyField = (options: FieldOptions) =>
  field(
    options,
    { type: 'string', minLength: 1, maxLength: 255, pattern: '^[\\x21-\\x7e]*$' },
    rule(
      'idempotency-key',
      'must be 1 to 255 visible ASCII characters',
      (value) => typeof value === 'string' && idempotencyKey.test(value),
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
