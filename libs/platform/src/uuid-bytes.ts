const dash = 45;

/** Writes a UUID's 16 bytes; it has no capitals. @returns where they end */
export function writeUuid(target: Buffer, at: number, uuid: string): number {
  for (let index = 0; index < uuid.length; index += 2) {
    if (uuid.charCodeAt(index) === dash) index += 1;
    target[at++] = (hexDigit(uuid, index) << 4) | hexDigit(uuid, index + 1);
  }
  return at;
}

function hexDigit(text: string, index: number): number {
  const code = text.charCodeAt(index);
  return code < 58 ? code - 48 : code - 87;
}
