/**
 * The beginning of an answer as text that Postgres can hold: what is no UTF-8, and U+0000, become U+FFFD; a
 * character that was cut at the end is left out. At most `bytesMax` bytes, however many of them were replaced.
 */
export function keptText(bytes: Uint8Array, bytesMax: number): string {
  const text = textOf(bytes.subarray(0, bytesMax)).replaceAll('\0', '\ufffd');
  const encoded = Buffer.from(text, 'utf8');
  return encoded.length <= bytesMax ? text : textOf(encoded.subarray(0, bytesMax));
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder('utf-8').decode(bytes, { stream: true });
}
