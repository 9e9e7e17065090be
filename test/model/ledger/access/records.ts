/** What there is of keys, tokens, ledgers and their audit logs, and who opened what when. */

export const scopesOfKeys = [
  ...['accounts:read', 'accounts:write', 'transactions:read', 'transactions:write', 'mint', 'burn'],
  ...['webhooks:read', 'webhooks:write', 'keys:manage', 'admin'],
];

/** Within this an answer may still be by what a key was before. */
const knownElsewhereMs = 1_000;

export interface AuditRecord {
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly details: unknown;
}

export interface LedgerRecord {
  readonly id: string;
  /** Null: the first one, which is nobody's. */
  readonly organizationId: string | null;
  readonly name: string;
  readonly mode: string;
  readonly createdAt: string;
  readonly keys: KeyRecord[];
  readonly accounts: { readonly id: string; readonly ownerId: string | null; readonly visibility: string }[];
  /** The oldest first. */
  readonly auditLog: AuditRecord[];
}

export interface Settings {
  readonly name: string;
  readonly scopes: readonly string[];
  readonly ownerId: string | null;
  readonly rateLimitPerMinute: number | null;
  readonly signing: string;
  readonly expiresAt: string | null;
}

/** What a key was until a time, in ms; the time is null for what it is. */
export interface KeyState {
  readonly settings: Settings;
  readonly isDeleted: boolean;
  readonly updatedAt: string;
  until: number | null;
}

export interface KeyRecord {
  readonly id: string;
  readonly ledger: LedgerRecord;
  readonly isBootstrap: boolean;
  readonly createdAt: string;
  /** The last one is what it is. */
  readonly states: KeyState[];
}

export const stateOf = ({ states }: KeyRecord): KeyState => states.at(-1)!;

/** What a secret or a token opens, if its key lives. */
interface Opener {
  readonly key: KeyRecord;
  /** Of a token, in ms. */
  readonly expiresAt: number | null;
  /** Of a token: no more than these, and for whom. */
  readonly bound: { readonly ownerId: string; readonly scopes: readonly string[] } | null;
  /** When the secret ended, in ms. */
  endedAt: number | null;
}

/** Somebody whom a ledger knows. */
export interface Holder {
  readonly ledger: LedgerRecord;
  readonly actor: string;
  readonly scopes: readonly string[];
  readonly ownerId: string | null;
  readonly rateLimitPerMinute: number | null;
  readonly isToken: boolean;
}

/** Null: nobody. */
export type AccessCaller = Holder | 'operator' | null;

/** From when a request was sent to when its answer was there, in ms. */
export interface Span {
  readonly startedAt: number;
  readonly endedAt: number;
}

export interface OrganizationRecord {
  readonly id: string;
  readonly name: string;
  readonly createdAt: string;
}

export class AccessBooks {
  readonly organizations: OrganizationRecord[] = [];
  readonly ledgers: LedgerRecord[] = [];
  private readonly openers = new Map<string, Opener>();

  constructor(private readonly operatorKey: string) {}

  addSecret(secret: string, key: KeyRecord): void {
    this.openers.set(secret, { key, expiresAt: null, bound: null, endedAt: null });
  }

  addToken(token: string, key: KeyRecord, expiresAt: number, bound: NonNullable<Opener['bound']>): void {
    this.openers.set(token, { key, expiresAt, bound, endedAt: null });
  }

  /** All secrets that the key has; one that was to end before that still does. */
  endSecrets(key: KeyRecord, at: number): void {
    for (const opener of this.openers.values()) {
      if (opener.key === key && opener.bound === null) opener.endedAt = Math.min(opener.endedAt ?? at, at);
    }
  }

  change(key: KeyRecord, change: Partial<Omit<KeyState, 'until'>>, at: number): void {
    const before = stateOf(key);
    before.until = at;
    key.states.push({ ...before, ...change, until: null });
  }

  /** Whoever may have been meant by a Bearer: more than one where something has just changed. */
  callersBy(bearer: string | null, span: Span): AccessCaller[] {
    if (bearer === this.operatorKey) return ['operator'];
    const opener = bearer === null ? undefined : this.openers.get(bearer);
    if (opener === undefined) return [null];
    const isPast = (at: number | null) => at !== null && span.startedAt >= at + knownElsewhereMs;
    const callers: AccessCaller[] = [];
    for (const { settings, isDeleted, until } of opener.key.states) {
      if (isPast(until)) continue;
      const expiresAt = settings.expiresAt === null ? null : Date.parse(settings.expiresAt);
      const ends = [opener.endedAt, opener.expiresAt, expiresAt];
      const isGone = isDeleted || (settings.signing === 'required' && opener.bound === null);
      if (isGone || ends.some((at) => at !== null && span.endedAt >= at)) callers.push(null);
      if (!isGone && !ends.some(isPast)) callers.push(holderOf(opener, settings));
    }
    return callers;
  }

  keyOf(bearer: string | null): KeyRecord | undefined {
    return bearer === null ? undefined : this.openers.get(bearer)?.key;
  }
}

function holderOf({ key, bound }: Opener, settings: Settings): Holder {
  const scopes =
    bound === null ? settings.scopes : bound.scopes.filter((scope) => settings.scopes.includes(scope));
  return {
    ledger: key.ledger,
    actor: key.id,
    scopes,
    ownerId: bound?.ownerId ?? settings.ownerId,
    rateLimitPerMinute: settings.rateLimitPerMinute,
    isToken: bound !== null,
  };
}
