import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;
const formatVersion = 1;

/** What was sealed can't be opened: another key, another owner, or bytes that were changed. */
export class UnreadableSecret extends Error {
  constructor() {
    super('a stored secret cannot be opened with this SECRETS_KEY');
  }
}

/**
 * Secrets as they are stored: AES-256-GCM, a version byte, then nonce, tag and ciphertext. What a secret is for
 * and what it belongs to are authenticated with it, so that a row copied to another owner, or to another table,
 * doesn't open there.
 */
export class SecretBox {
  constructor(
    private readonly key: Buffer,
    /** What its secrets are for, such as webhook-endpoint-secret. */
    private readonly purpose: string,
  ) {
    if (key.length !== keyBytes) throw new Error(`SECRETS_KEY must be ${keyBytes} bytes`);
  }

  /** @param owner the id of what the secret belongs to */
  seal(text: string, owner: string): Buffer {
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv('aes-256-gcm', this.key, nonce).setAAD(this.boundTo(owner));
    const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return Buffer.concat([Buffer.of(formatVersion), nonce, cipher.getAuthTag(), sealed]);
  }

  open(sealed: Buffer, owner: string): string {
    const tagAt = 1 + nonceBytes;
    const textAt = tagAt + tagBytes;
    if (sealed.length < textAt || sealed[0] !== formatVersion) throw new UnreadableSecret();
    const nonce = sealed.subarray(1, tagAt);
    const decipher = createDecipheriv('aes-256-gcm', this.key, nonce, { authTagLength: tagBytes });
    decipher.setAAD(this.boundTo(owner)).setAuthTag(sealed.subarray(tagAt, textAt));
    try {
      const text = decipher.update(sealed.subarray(textAt));
      return Buffer.concat([text, decipher.final()]).toString('utf8');
    } catch {
      throw new UnreadableSecret();
    }
  }

  private boundTo(owner: string): Buffer {
    return Buffer.from(`${this.purpose}.v${formatVersion}.${owner}`, 'utf8');
  }
}
