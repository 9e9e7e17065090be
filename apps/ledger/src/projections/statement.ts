/** A pattern of LIKE for a text anywhere in another, whatever characters it has. */
export function substringPattern(text: string): string {
  return `%${text.replace(/[\\%_]/g, (character) => `\\${character}`)}%`;
}

/** Three letters or digits in a row are what a trigram index holds; for less it would be read as a whole. */
export function hasTrigram(text: string): boolean {
  return /[a-z0-9]{3}/i.test(text);
}
