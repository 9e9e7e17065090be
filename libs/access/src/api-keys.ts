import { hash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { encodeTypeId } from '#contracts';
import { AccessDatabase } from './access-database.js';
import { KeyUses } from './key-uses.js';
import type { Mode, Principal } from './principals.js';
import { RecentAnswers } from './recent-answers.js';
import type { Scope } from './scopes.js';

interface KeyRow {
  readonly id: string;
  readonly ledgerId: string;
  readonly mode: Mode;
  readonly scopes: readonly Scope[];
  readonly ownerId: string | null;
  readonly rateLimitPerMinute: number | null;
  readonly isBootstrap: boolean | null;
}

export interface SigningKey {
  readonly principal: Principal;
  /** Those that work, the newest first. */
  readonly secrets: readonly string[];
}

const keyColumns = `k.id, k.ledger_id AS "ledgerId", l.mode, k.scopes, k.owner_id AS "ownerId",
  k.rate_limit_per_minute AS "rateLimitPerMinute", k.is_bootstrap AS "isBootstrap"`;
const keysOfLedgers = 'access.api_keys k JOIN access.ledgers l ON l.id = k.ledger_id';
const isLivingKey = `k.deleted_at IS NULL AND (k.expires_at > clock_timestamp()) IS NOT FALSE`;
const isLivingSecret = `(s.ends_at > clock_timestamp()) IS NOT FALSE`;

/** Any secret is longer, the bootstrap key's included: what is shorter needs no look-up. */
const secretCharactersMin = 32;

export function secretHashOf(secret: string): Buffer {
  return hash('sha256', secret, 'buffer');
}

/** `sk_live_` or `sk_test_`: a secret says by its beginning which ledgers it is for. */
export function secretPrefixOf(mode: Mode): string {
  return `sk_${mode}_`;
}

/**
 * Finds out whose a key is. Answers are kept for less than a second, so that a key that was revoked, changed or
 * has expired is known as such everywhere within one.
 */
@Injectable()
export class ApiKeys {
  private readonly bearers = new RecentAnswers((secretHash) => this.findBearer(secretHash));
  private readonly keys = new RecentAnswers((keyId) => this.findKey(keyId));
  private readonly signingKeys = new RecentAnswers((keyId) => this.findSigningKey(keyId));

  constructor(
    private readonly database: AccessDatabase,
    private readonly uses: KeyUses,
  ) {}

  /**
   * Whose the secret is that came as Bearer. Nobody's is one that is for ledgers of the other mode, and one that
   * is only to sign with.
   */
  principalOf(secret: string): Principal | null | Promise<Principal | null> {
    if (secret.length < secretCharactersMin) return null;
    const principal = this.bearers.of(hash('sha256', secret, 'base64'));
    if (principal instanceof Promise) return principal.then((found) => ofItsMode(found, secret));
    return ofItsMode(principal, secret);
  }

  /** Of a key that is alive, however it may be used. */
  principalOfKey(keyId: string): Principal | null | Promise<Principal | null> {
    return this.keys.of(keyId);
  }

  /** Null for a key that doesn't sign. */
  signingKeyOf(keyId: string): SigningKey | null | Promise<SigningKey | null> {
    return this.signingKeys.of(keyId);
  }

  /** For lastUsedAt; to be called for a key that has proved itself otherwise than as Bearer. */
  noteUse(keyId: string): void {
    this.uses.note(keyId);
  }

  private async findBearer(secretHash: string): Promise<BearerPrincipal | null> {
    const [row] = await this.database.query<KeyRow>(
      `SELECT ${keyColumns} FROM access.api_key_secrets s JOIN ${keysOfLedgers} ON k.id = s.key_id
      WHERE s.secret_hash = $1 AND ${isLivingSecret} AND ${isLivingKey} AND k.signing = 'none'`,
      [Buffer.from(secretHash, 'base64')],
    );
    if (!row) return null;
    // A key in use is looked up each second or so, which is often enough to tell when it was used.
    this.uses.note(row.id);
    return { ...principalOfRow(row), prefix: row.isBootstrap ? '' : secretPrefixOf(row.mode) };
  }

  private async findKey(keyId: string): Promise<Principal | null> {
    const [row] = await this.database.query<KeyRow>(
      `SELECT ${keyColumns} FROM ${keysOfLedgers} WHERE k.id = $1 AND ${isLivingKey}`,
      [keyId],
    );
    return row ? principalOfRow(row) : null;
  }

  private async findSigningKey(keyId: string): Promise<SigningKey | null> {
    const rows = await this.database.query<KeyRow & { readonly sealed: Buffer }>(
      `SELECT ${keyColumns}, s.sealed_secret AS sealed
      FROM ${keysOfLedgers} JOIN access.api_key_secrets s ON s.key_id = k.id
      WHERE k.id = $1 AND k.signing = 'required' AND ${isLivingKey} AND ${isLivingSecret}
      ORDER BY s.created_at DESC`,
      [keyId],
    );
    const [row] = rows;
    if (!row) return null;
    const prefix = secretPrefixOf(row.mode);
    const secrets = rows.map(({ sealed }) => this.database.secrets.open(sealed, keyId));
    return {
      principal: principalOfRow(row),
      secrets: secrets.filter((secret) => secret.startsWith(prefix)),
    };
  }
}

/** How its secret has to begin; the bootstrap key's may be any text. */
type BearerPrincipal = Principal & { readonly prefix: string };

function ofItsMode(principal: BearerPrincipal | null, secret: string): Principal | null {
  return principal?.prefix !== undefined && secret.startsWith(principal.prefix) ? principal : null;
}

function principalOfRow({ id, ledgerId, mode, scopes, ownerId, rateLimitPerMinute }: KeyRow): Principal {
  return {
    keyId: id,
    actor: encodeTypeId('key', id),
    ledgerId,
    mode,
    scopes: new Set(scopes),
    ownerId,
    rateLimitPerMinute,
    isClientToken: false,
  };
}
