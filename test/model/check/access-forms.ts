/** The form of what the product chooses: ids and secrets that are new, times of now, tokens as was asked for. */
import { tokenSecondsMax } from '../ledger/access/client-tokens.js';
import type { AccessBooks, LedgerRecord } from '../ledger/access/records.js';
import { typeId } from '../ledger/type-ids.js';
import { answerOf, shownBy, type AccessCall } from './access-log.js';

type Shown = Readonly<Record<string, unknown>>;

export const timeText = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

/** By how much the clocks of client and database may differ. */
export const slackMs = 1_000;

export class Forms {
  private readonly ids = new Set<string>();
  private readonly secrets = new Set<string>();
  /** Ids of keys that somebody may have used. */
  private readonly used = new Set<string>();

  /** After the model has taken it in. */
  faultOf(call: AccessCall, books: AccessBooks): string | null {
    const { text } = call;
    const shownAgain = [...this.secrets].find((secret) => text.includes(secret));
    if (shownAgain !== undefined) return `a secret is shown again: ${shownAgain}`;
    const user = books.keyOf(call.bearer);
    if (user !== undefined) this.used.add(user.id);
    return this.faultOfUses(call) ?? (call.method === 'GET' ? null : this.faultOfChosen(call, books));
  }

  private faultOfUses(call: AccessCall): string | null {
    const { data } = answerOf(call);
    const rows = (Array.isArray(data) ? data : [shownBy(call)]) as Shown[];
    const strange = rows.find((row) => 'signing' in row && !this.isUseRight(row, call));
    return strange === undefined ? null : `lastUsedAt is strange: ${JSON.stringify(strange)}`;
  }

  private isUseRight({ id, lastUsedAt, createdAt }: Shown, { endedAt }: AccessCall): boolean {
    if (lastUsedAt === null) return true;
    if (typeof lastUsedAt !== 'string' || !timeText.test(lastUsedAt)) return false;
    // Of those that were there before nobody knows.
    const isNew = this.ids.has(String(id));
    const isUsed = !isNew || this.used.has(String(id));
    const isAfter = lastUsedAt >= String(createdAt);
    return isUsed && isAfter && Date.parse(lastUsedAt) <= endedAt + slackMs;
  }

  private faultOfChosen(call: AccessCall, books: AccessBooks): string | null {
    if (call.status >= 300 || call.status === 204) return null;
    const shown = shownBy(call);
    const [, , resource] = call.path.split('/');
    if (resource === 'api-keys') return this.faultOfKey(call, shown, books.keyOf(call.bearer)!.ledger);
    if (resource === 'auth') return this.faultOfToken(call, shown);
    return resource === 'organizations' ? this.faultOfMade(call, shown) : null;
  }

  private faultOfKey(call: AccessCall, shown: Shown, { mode }: LedgerRecord): string | null {
    const isMade = call.status === 201;
    return (
      (isMade ? this.faultOfId(shown['id'], 'key') : null) ??
      (isMade ? faultOfTime(shown['createdAt'], call) : null) ??
      (isMade || call.path.endsWith('/rotate') ? this.faultOfSecret(shown['secret'], mode) : null) ??
      (isUnchanged(call) ? null : faultOfTime(shown['updatedAt'], call)) ??
      (isMade && shown['lastUsedAt'] !== null ? 'a new key was used' : null)
    );
  }

  private faultOfMade(call: AccessCall, shown: Shown): string | null {
    const { mode, apiKey } = shown as { mode?: string; apiKey?: Shown };
    if (mode === undefined)
      return this.faultOfId(shown['id'], 'org') ?? faultOfTime(shown['createdAt'], call);
    return (
      this.faultOfId(shown['id'], 'ldg') ??
      faultOfTime(shown['createdAt'], call) ??
      this.faultOfId(apiKey?.['id'], 'key') ??
      this.faultOfSecret(apiKey?.['secret'], mode)
    );
  }

  private faultOfToken(call: AccessCall, shown: Shown): string | null {
    const { token, expiresAt } = shown;
    if (typeof token !== 'string' || this.secrets.has(token)) return 'a token is none, or not new';
    this.secrets.add(token);
    const [header, claims] = token.split('.').slice(0, 2).map(parsedPart);
    const { ownerId, ttlSeconds = tokenSecondsMax } = call.body as { ownerId: string; ttlSeconds?: number };
    const isRight = header?.['alg'] === 'EdDSA' && typeId('jwk').test(String(header['kid']));
    if (!isRight || claims?.['sub'] !== ownerId) return `a token is strange: ${token}`;
    if (Math.round(Number(claims['exp']) * 1_000) !== Date.parse(String(expiresAt)))
      return 'it ends otherwise';
    return faultOfTime(expiresAt, call, ttlSeconds * 1_000);
  }

  private faultOfId(value: unknown, prefix: string): string | null {
    const isRight = typeof value === 'string' && typeId(prefix).test(value) && !this.ids.has(value);
    if (!isRight) return `${JSON.stringify(value)} is no new id ${prefix}_…`;
    this.ids.add(value);
    return null;
  }

  private faultOfSecret(value: unknown, mode: string): string | null {
    const form = new RegExp(`^sk_${mode}_[0-9A-Za-z]{43}$`);
    const isRight = typeof value === 'string' && form.test(value) && !this.secrets.has(value);
    if (!isRight) return `${JSON.stringify(value)} is no new secret`;
    this.secrets.add(value);
    return null;
  }
}

const isUnchanged = ({ method, body }: AccessCall): boolean =>
  method === 'PATCH' && Object.keys(body as object).length === 0;

function faultOfTime(value: unknown, { startedAt, endedAt }: AccessCall, laterMs = 0): string | null {
  const at = Date.parse(String(value)) - laterMs;
  const isRight = timeText.test(String(value)) && at >= startedAt - slackMs && at <= endedAt + slackMs;
  return isRight ? null : `${JSON.stringify(value)} is no time of this call`;
}

function parsedPart(text: string): Shown | undefined {
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as Shown;
  } catch {
    return undefined;
  }
}
