import { Readable } from 'node:stream';
import { accountIdOf } from '#contracts';
import { formatTimestamp } from '#platform';
import type { Statement, StatementPeriod } from './get-statement.js';

/** Lines are gathered into writes of about so many characters. */
const chunkCharacters = 65_536;

/**
 * A statement as the JSON of its answer, written as its lines are read, so that a long one takes no more memory than
 * a short one. An error of the lines ends the stream with it, and what was sent is no JSON then.
 */
export function statementJson(
  { account, openingBalance, closingBalance }: Statement,
  { from, to }: StatementPeriod,
  lines: AsyncIterable<object>,
): Readable {
  const head = {
    accountId: account.system ?? accountIdOf(account.id),
    from: formatTimestamp(from),
    to: formatTimestamp(to),
    openingBalance: openingBalance.toString(),
  };
  const text = async function* () {
    let chunk = `{"data":${JSON.stringify(head).slice(0, -1)},"lines":[`;
    let separator = '';
    for await (const line of lines) {
      chunk += separator + JSON.stringify(line);
      separator = ',';
      if (chunk.length < chunkCharacters) continue;
      yield chunk;
      chunk = '';
    }
    yield `${chunk}],"closingBalance":${JSON.stringify(closingBalance.toString())}}}`;
  };
  return Readable.from(text(), { objectMode: false });
}
