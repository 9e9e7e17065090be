/** A replay is the first answer again, to the byte. */
import { bodyOf, isAccepted, isDryRun, type BatchItem, type Finding, type LoggedCall } from './call-log.js';

export function findUnequalReplays(calls: readonly LoggedCall[]): Finding[] {
  const first = new Map<string, string>();
  for (const call of calls) {
    if (call.isReplayed || !isAccepted(call) || isDryRun(call)) continue;
    if (call.path.endsWith('/batch')) {
      for (const [key, text] of itemAnswers(call)) first.set(ownKey(call, key), text);
    }
    if (call.key !== null) first.set(ownKey(call, call.key), `${call.status} ${call.text}`);
  }
  return calls
    .filter((call) => call.isReplayed && first.get(ownKey(call, call.key!)) !== `${call.status} ${call.text}`)
    .map((call) => ({
      what: `it is a replay of another answer: ${first.get(ownKey(call, call.key!)) ?? 'none'}`,
      position: 0,
      call,
    }));
}

/** Keys of different owners never meet: they have no blanks. */
const ownKey = ({ caller }: LoggedCall, key: string): string => `${key} ${caller.ownerId ?? ''}`;

/** Of a batch's items what each would be answered alone. */
function itemAnswers(call: LoggedCall): [string, string][] {
  const { transactions } = call.body as { transactions: { idempotencyKey?: string }[] };
  const items = bodyOf(call).data as BatchItem[];
  return items.flatMap(({ status, replayed, data }, n): [string, string][] => {
    const key = transactions[n]?.idempotencyKey;
    if (key === undefined || status !== 201 || replayed !== undefined) return [];
    return [[key, `201 ${JSON.stringify({ data })}`]];
  });
}
