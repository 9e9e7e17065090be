import { Injectable } from '@nestjs/common';
import { decodeProtectedHeader, errors, jwtVerify, SignJWT } from 'jose';
import { decodeTypeId, ledgerIdOf } from '#contracts';
import { ApiError } from '#http';
import { formatTimestamp } from '#platform';
import { ApiKeys } from './api-keys.js';
import type { Principal } from './principals.js';
import type { Scope } from './scopes.js';
import { tokenAlgorithm, TokenKeys } from './token-keys.js';

export const tokenSecondsMax = 900;
const issuer = 'ledger';
const audience = 'ledger-api';
const requiredClaims = ['sub', 'keyId', 'ledgerId', 'mode', 'scopes', 'iat', 'exp'];
/** Its header is a JSON object, which begins so in Base64. */
const compactJwt = /^eyJ[\w-]*\.[\w-]+\.[\w-]*$/;

export interface TokenRequest {
  readonly ownerId: string;
  readonly scopes: readonly Scope[];
  readonly ttlSeconds: number;
}

interface Claims {
  /** The owner. */
  readonly sub: string;
  /** `key_…` of the key that issued it, and what that key opened then. */
  readonly keyId: string;
  readonly ledgerId: string;
  readonly mode: string;
  readonly scopes: readonly Scope[];
  /** Seconds, with milliseconds behind the point, so that a token lives exactly as long as was asked for. */
  readonly iat: number;
  readonly exp: number;
}

/**
 * Tokens for the app of one owner: a key hands a part of what it may do out for some minutes. A token is worth no
 * more than its key at the moment of its use, and nothing once that is gone.
 */
@Injectable()
export class ClientTokens {
  constructor(
    private readonly apiKeys: ApiKeys,
    private readonly tokenKeys: TokenKeys,
  ) {}

  async issue(issuedBy: Principal, { ownerId, scopes, ttlSeconds }: TokenRequest) {
    const beyond = scopes.find((scope) => !issuedBy.scopes.has(scope));
    if (beyond !== undefined) throw forbidden(`this key may not hand out the scope ${beyond}`);
    if (issuedBy.ownerId !== null && issuedBy.ownerId !== ownerId) {
      throw forbidden('this key is bound to another owner');
    }
    const { kid, privateKey, nowMs } = await this.tokenKeys.signingKey();
    const issuedAtMs = Math.floor(nowMs);
    const expiresAtMs = issuedAtMs + ttlSeconds * 1000;
    const claims: Claims = {
      sub: ownerId,
      keyId: issuedBy.actor,
      ledgerId: ledgerIdOf(issuedBy.ledgerId),
      mode: issuedBy.mode,
      scopes,
      iat: issuedAtMs / 1000,
      exp: expiresAtMs / 1000,
    };
    const token = await new SignJWT({ ...claims, iss: issuer, aud: audience })
      .setProtectedHeader({ alg: tokenAlgorithm, typ: 'JWT', kid })
      .sign(privateKey);
    return { token, expiresAt: formatTimestamp(BigInt(expiresAtMs) * 1000n) };
  }

  /** Null for a token that is none, or no more. */
  async principalOf(token: string): Promise<Principal | null> {
    const claims = await this.verify(token);
    const keyId = claims && decodeTypeId('key', claims.keyId);
    const key = keyId && (await this.apiKeys.principalOfKey(keyId));
    if (!key || ledgerIdOf(key.ledgerId) !== claims.ledgerId || key.mode !== claims.mode) return null;
    if (key.ownerId !== null && key.ownerId !== claims.sub) return null;
    this.apiKeys.noteUse(keyId);
    const scopes = new Set(claims.scopes.filter((scope) => key.scopes.has(scope)));
    return { ...key, scopes, ownerId: claims.sub, isClientToken: true };
  }

  private async verify(token: string): Promise<Claims | null> {
    const kid = kidOf(token);
    const key = kid === null ? null : await this.tokenKeys.verifyingKey(kid);
    if (!key) return null;
    const nowMs = key.nowMs();
    try {
      const { payload } = await jwtVerify<Claims>(token, key.publicKey, {
        algorithms: [tokenAlgorithm],
        typ: 'JWT',
        issuer,
        audience,
        requiredClaims,
        currentDate: new Date(nowMs),
      });
      // jose counts in whole seconds, which would let a token live up to one longer.
      return Math.round(payload.exp * 1000) > nowMs ? payload : null;
    } catch (error) {
      if (error instanceof errors.JOSEError) return null;
      throw error;
    }
  }
}

function kidOf(token: string): string | null {
  try {
    const { kid } = decodeProtectedHeader(token) as { kid?: unknown };
    return typeof kid === 'string' ? kid : null;
  } catch {
    return null;
  }
}

/** Whether it has the form of a token, which a key may have as well. */
export function isTokenLike(text: string): boolean {
  return compactJwt.test(text);
}

function forbidden(message: string): ApiError {
  return new ApiError(403, 'forbidden', message);
}
