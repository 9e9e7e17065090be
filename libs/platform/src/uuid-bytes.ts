/** What a digit stands for, by its code. */
const digits = new Uint8Array(128);
for (const [value, digit] of [...'0123456789abcdef'].entries()) digits[digit.charCodeAt(0)] = value;

/** Where each byte's two digits begin in the text. */
const digitsAt = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34] as const;

/** Writes a UUID's 16 bytes; it has no capitals. @returns where they end */
export function writeUuid(target: Buffer, at: number, uuid: string): number {
  for (let index = 0; index < digitsAt.length; index += 1) {
    const digitAt = digitsAt[index]!;
    target[at + index] = (digits[uuid.charCodeAt(digitAt)]! << 4) | digits[uuid.charCodeAt(digitAt + 1)]!;
  }
  return at + digitsAt.length;
}
