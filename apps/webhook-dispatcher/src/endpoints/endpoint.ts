import { formatTimestamp, microsSql } from '#platform';
import { accountIdOf, endpointIdOf } from '../http/ids.js';

export const orderings = ['none', 'account'] as const;
export type Ordering = (typeof orderings)[number];
export const endpointStatuses = ['enabled', 'disabled'] as const;
export type EndpointStatus = (typeof endpointStatuses)[number];
export const disabledReasons = ['gone', 'failing', 'manual'] as const;
export type DisabledReason = (typeof disabledReasons)[number];

/** What its owner decides of an endpoint. Accounts are UUIDs. */
export interface EndpointSettings {
  readonly url: string;
  readonly eventTypes: readonly string[];
  readonly accountIds: readonly string[];
  readonly description: string | null;
  readonly ordering: Ordering;
  readonly rateLimitPerSecond: number | null;
  readonly maxConcurrency: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly legacySignatureHeader: string | null;
}

export interface Endpoint extends EndpointSettings {
  readonly id: string;
  readonly ownerId: string | null;
  readonly status: EndpointStatus;
  readonly disabledReason: DisabledReason | null;
  readonly createdAt: bigint;
  readonly updatedAt: bigint;
}

/** The columns of what its owner decides. */
export const settingColumnsSql = `url, event_types, account_ids, description, ordering, rate_limit_per_second,
  max_concurrency, headers, legacy_signature_header`;

/** Their values, in the same order. */
export function settingValues(settings: EndpointSettings): unknown[] {
  return [
    settings.url,
    settings.eventTypes,
    settings.accountIds,
    settings.description,
    settings.ordering,
    settings.rateLimitPerSecond,
    settings.maxConcurrency,
    JSON.stringify(settings.headers),
    settings.legacySignatureHeader,
  ];
}

/** What a statement must select or return of dispatcher.endpoints for readEndpointRow: all but the secrets. */
export const endpointColumnsSql = `id, owner_id, ${settingColumnsSql}, status, disabled_reason,
  ${microsSql('created_at')} AS created_at, ${microsSql('updated_at')} AS updated_at`;

export interface EndpointRow {
  readonly id: string;
  readonly owner_id: string | null;
  readonly url: string;
  readonly event_types: readonly string[];
  readonly account_ids: readonly string[];
  readonly description: string | null;
  readonly ordering: Ordering;
  readonly rate_limit_per_second: number | null;
  readonly max_concurrency: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly legacy_signature_header: string | null;
  readonly status: EndpointStatus;
  readonly disabled_reason: DisabledReason | null;
  readonly created_at: string;
  readonly updated_at: string;
}

export function readEndpointRow(row: EndpointRow): Endpoint {
  return {
    id: row.id,
    ownerId: row.owner_id,
    url: row.url,
    eventTypes: row.event_types,
    accountIds: row.account_ids,
    description: row.description,
    ordering: row.ordering,
    rateLimitPerSecond: row.rate_limit_per_second,
    maxConcurrency: row.max_concurrency,
    headers: row.headers,
    legacySignatureHeader: row.legacy_signature_header,
    status: row.status,
    disabledReason: row.disabled_reason,
    createdAt: BigInt(row.created_at),
    updatedAt: BigInt(row.updated_at),
  };
}

export function presentEndpoint(endpoint: Endpoint) {
  const { legacySignatureHeader } = endpoint;
  return {
    id: endpointIdOf(endpoint.id),
    url: endpoint.url,
    eventTypes: endpoint.eventTypes,
    accountIds: endpoint.accountIds.map(accountIdOf),
    description: endpoint.description,
    ordering: endpoint.ordering,
    rateLimitPerSecond: endpoint.rateLimitPerSecond,
    maxConcurrency: endpoint.maxConcurrency,
    headers: endpoint.headers,
    legacySignature: legacySignatureHeader === null ? null : { header: legacySignatureHeader },
    status: endpoint.status,
    disabledReason: endpoint.disabledReason,
    createdAt: formatTimestamp(endpoint.createdAt),
    updatedAt: formatTimestamp(endpoint.updatedAt),
  };
}
