const dash = 45;

/** Writes a UUID's 16 bytes; it has no capitals. @returns where they end */
export function writeUuid(target: Buffer, at: number, uuid: string): number {
  for (let index = 0; index < uuid.length; index += 2) {
    if (uuid.charCodeAt(index) === dash) index += 1;
    target[at++] = (hexDigit(uuid, index) << 4) | hexDigit(uuid, index + 1);
  }
  return at;
}

const textBytes = Buffer.alloc(36);
const hexDigits = Buffer.from('0123456789abcdef');

/** The UUID of 16 bytes, without capitals. */
export function readUuid(bytes: Uint8Array): string {
  let at = 0;
  for (let index = 0; index < 16; index += 1) {
    if (index === 4 || index === 6 || index === 8 || index === 10) textBytes[at++] = dash;
    const byte = bytes[index]!;
    textBytes[at++] = hexDigits[byte >> 4]!;
    textBytes[at++] = hexDigits[byte & 15]!;
  }
  return textBytes.toString('latin1');
}

function hexDigit(text: string, index: number): number {
  const code = text.charCodeAt(index);
  return code < 58 ? code - 48 : code - 87;
}
