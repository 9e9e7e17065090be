import type { Account, Progressed } from '#domain';
import { formatTimestamp } from '#platform';
import type { RecordedBatch } from './record-events.js';
import type { FoldedSetting } from './settings-fold.js';

/** What only some batches write; null, here and below, where this one has none. */
export function requestAnswers({ requests }: RecordedBatch): (string | null)[] | null {
  if (requests.every(({ answer }) => answer === null)) return null;
  return requests.map(({ answer }) => answer && JSON.stringify(answer));
}

/** A list of rows as JSON; the SQL function casts their texts. */
function rowsJson<Item>(items: readonly Item[], rowOf: (item: Item) => object): string | null {
  return items.length === 0 ? null : JSON.stringify(items.map(rowOf));
}

/** An account's columns but for the money on it. */
export function settingsRow(account: Account, openedPosition: bigint | null) {
  return {
    id: account.id,
    system: account.system,
    name: account.name,
    currency: account.currency,
    visibility: account.visibility,
    external_id: account.externalId,
    owner_id: account.ownerId,
    status: account.status,
    min_balance: account.minBalance?.toString() ?? null,
    max_balance: account.maxBalance?.toString() ?? null,
    version: account.version,
    settings_version: account.settingsVersion,
    metadata: account.metadata,
    opened_position: openedPosition?.toString() ?? null,
    created_at: formatTimestamp(account.createdAt),
    updated_at: formatTimestamp(account.updatedAt),
  };
}

export function settingsJson({ settings }: RecordedBatch): string | null {
  return rowsJson(settings, ({ account, openedPosition }) => settingsRow(account, openedPosition));
}

export function externalIdsJson({ transactionExternalIds }: RecordedBatch): string | null {
  return rowsJson(transactionExternalIds, ({ externalId, transactionId }) => ({
    external_id: externalId,
    transaction_id: transactionId,
  }));
}

export function progressRow({ transactionId, progress }: Progressed) {
  return {
    transaction_id: transactionId,
    status: progress.status,
    expires_at: progress.expiresAt === null ? null : formatTimestamp(progress.expiresAt),
    captured: progress.captured.map(String),
    captures: progress.captures,
    reversed: progress.reversed.map(String),
    reversals: progress.reversals,
  };
}

export function progressJson({ progressed }: RecordedBatch): string | null {
  return rowsJson(progressed, progressRow);
}

export function exchangeRateRow({ setting, position, recordedAt }: FoldedSetting<'exchange-rate.set'>) {
  return {
    from_currency: setting.from,
    to_currency: setting.to,
    rate: setting.rate,
    position: position.toString(),
    set_at: formatTimestamp(recordedAt),
  };
}

export function exchangeRatesJson({ exchangeRates }: RecordedBatch): string | null {
  return rowsJson(exchangeRates, exchangeRateRow);
}

export function currencyRow({ setting, position, recordedAt }: FoldedSetting<'currency.added'>) {
  return {
    code: setting.code,
    exponent: setting.exponent,
    name: setting.name,
    position: position.toString(),
    created_at: formatTimestamp(recordedAt),
  };
}

export function currenciesJson({ currencies }: RecordedBatch): string | null {
  return rowsJson(currencies, currencyRow);
}

export function closedPeriodRow({ setting, position, recordedAt }: FoldedSetting<'period.closed'>) {
  return {
    through: setting.through,
    closed_before: formatTimestamp(setting.closedBefore),
    position: position.toString(),
    set_at: formatTimestamp(recordedAt),
  };
}

export function closedPeriodJson({ closedPeriod }: RecordedBatch): string | null {
  return closedPeriod && JSON.stringify(closedPeriodRow(closedPeriod));
}
