import { Injectable } from '@nestjs/common';
import { exportJWK, generateKeyPair, importJWK, type CryptoKey, type JWK } from 'jose';
import { decodeTypeId, encodeTypeId } from '#contracts';
import { newUuid } from '#platform';
import { AccessDatabase, type Database } from './access-database.js';
import { RecentAnswers } from './recent-answers.js';

export const tokenAlgorithm = 'EdDSA';
/** How long a key signs. The next one is made with the first token after that. */
const signsForDays = 30;
/** How long it proves after it was replaced: four times as long as a token can live. */
const provesForSeconds = 3_600;
const rotationLock = 7_165_901_336;

export interface SigningKey {
  readonly kid: string;
  readonly privateKey: CryptoKey;
  /** When it was asked for, by the clock of the database. */
  readonly nowMs: number;
}

export interface VerifyingKey {
  readonly publicKey: CryptoKey;
  /** The time of the database, from which a process's own clock may differ. */
  readonly nowMs: () => number;
}

interface StoredKey {
  readonly id: string;
  readonly publicJwk: JWK;
  readonly sealedPrivateJwk: Buffer;
  readonly nowMs: number;
}

const kidOf = (id: string) => encodeTypeId('jwk', id);
const sealedFor = (id: string) => `token-key.${id}`;

/**
 * The keys of client tokens. Private parts are sealed in the database, from which every process takes the newest;
 * a key that was replaced stays to verify with until no token of its can live, and is then deleted.
 */
@Injectable()
export class TokenKeys {
  private readonly verifyingKeys = new RecentAnswers((kid) => this.findVerifyingKey(kid));

  constructor(private readonly database: AccessDatabase) {}

  async signingKey(): Promise<SigningKey> {
    const { id, sealedPrivateJwk, nowMs } = (await this.newest(this.database)) ?? (await this.rotate());
    const jwk = JSON.parse(this.database.secrets.open(sealedPrivateJwk, sealedFor(id))) as JWK;
    return { kid: kidOf(id), privateKey: (await importJWK(jwk, tokenAlgorithm)) as CryptoKey, nowMs };
  }

  /** Null for one that isn't ours, or that no token which still lives can be signed with. */
  verifyingKey(kid: string): VerifyingKey | null | Promise<VerifyingKey | null> {
    return this.verifyingKeys.of(kid);
  }

  /** As the JWKS shows them. */
  async publicKeys(): Promise<JWK[]> {
    const rows = await this.database.query<Pick<StoredKey, 'id' | 'publicJwk'>>(
      `SELECT id, public_jwk AS "publicJwk" FROM access.token_keys
      WHERE ${stillProves} ORDER BY created_at DESC, id DESC`,
    );
    return rows.map(({ id, publicJwk }) => ({
      ...publicJwk,
      kid: kidOf(id),
      alg: tokenAlgorithm,
      use: 'sig',
    }));
  }

  /** Of several processes that find no key, or one too old, the first makes the next for all of them. */
  private rotate(): Promise<StoredKey> {
    return this.database.transaction(async (db) => {
      await db.query('SELECT pg_advisory_xact_lock($1)', [rotationLock]);
      const made = await this.newest(db);
      if (made) return made;
      const pair = await generateKeyPair(tokenAlgorithm, { extractable: true });
      const [publicJwk, privateJwk] = [await exportJWK(pair.publicKey), await exportJWK(pair.privateKey)];
      const id = newUuid();
      const sealed = this.database.secrets.seal(JSON.stringify(privateJwk), sealedFor(id));
      await db.query('UPDATE access.token_keys SET retired_at = clock_timestamp() WHERE retired_at IS NULL');
      await db.query(`DELETE FROM access.token_keys WHERE NOT (${stillProves})`);
      await db.query(
        'INSERT INTO access.token_keys (id, public_jwk, sealed_private_jwk) VALUES ($1, $2, $3)',
        [id, JSON.stringify(publicJwk), sealed],
      );
      return (await this.newest(db))!;
    });
  }

  private async newest(database: Database): Promise<StoredKey | undefined> {
    const [key] = await database.query<StoredKey>(
      `SELECT id, public_jwk AS "publicJwk", sealed_private_jwk AS "sealedPrivateJwk", ${nowMs} AS "nowMs"
      FROM access.token_keys WHERE retired_at IS NULL AND created_at > now() - make_interval(days => $1)
      ORDER BY created_at DESC, id DESC LIMIT 1`,
      [signsForDays],
    );
    return key;
  }

  private async findVerifyingKey(kid: string): Promise<VerifyingKey | null> {
    const id = decodeTypeId('jwk', kid);
    if (id === null) return null;
    // From before the question: a slow answer makes its clock run ahead, and no token live longer.
    const askedAt = performance.now();
    const [row] = await this.database.query<Pick<StoredKey, 'publicJwk' | 'nowMs'>>(
      `SELECT public_jwk AS "publicJwk", ${nowMs} AS "nowMs" FROM access.token_keys WHERE id = $1 AND ${stillProves}`,
      [id],
    );
    if (!row) return null;
    const publicKey = (await importJWK(row.publicJwk, tokenAlgorithm)) as CryptoKey;
    return { publicKey, nowMs: () => row.nowMs + performance.now() - askedAt };
  }
}

const nowMs = 'extract(epoch FROM clock_timestamp())::double precision * 1000';
const stillProves = `(retired_at > clock_timestamp() - make_interval(secs => ${provesForSeconds})) IS NOT FALSE`;
