const CHARACTERS_MAX = 300;

/** A webhook in one line for a person: its id, its type, what it is about, and whether it is genuine. */
export function lineOf(id: string, body: Buffer, problem: string | null): string {
  const verdict = problem === null ? 'verified' : `NOT verified (${problem})`;
  return printable(`${`${id} ${contentOf(body)}`.slice(0, CHARACTERS_MAX)}, ${verdict}`);
}

function contentOf(body: Buffer): string {
  const event = parsed(body);
  if (event === undefined) return `${body.length} bytes that are not a JSON object`;
  const data = isObject(event['data']) ? event['data'] : {};
  return `${textOf(event['type'])}: ${subjectOf(data)}`;
}

function subjectOf(data: Record<string, unknown>): string {
  const { amount, currency, sender, recipient, postings, id, name } = data;
  if (typeof amount === 'string') {
    return `${amount} ${textOf(currency)} from ${textOf(sender)} to ${textOf(recipient)}`;
  }
  if (Array.isArray(postings)) return `${textOf(id)} with ${postings.length} postings`;
  return typeof name === 'string' ? `${textOf(id)} ${name}` : textOf(id);
}

function parsed(body: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '?';
}

/** Whoever sends here must not steer the terminal. */
function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ');
}
