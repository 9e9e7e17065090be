import type { FastifyReply } from 'fastify';
import { accountWith, idOf, moveOf, stateOf } from '../../../../test/support/ledger-fixtures.js';
import type { Reader } from '#contracts';
import { decide, unboundCaller, type DomainEvent } from '#domain';
import type { CommittedEvent, Outcome } from '#journal';
import { transactionAnswer } from '../http/answer-write.js';
import { answerBatch } from './answer-batch.js';
import type { BatchItemBody } from './transaction-bodies.js';

const [alice, bob] = [accountWith(idOf(1, 1), 1_000n, { ownerId: 'alice' }), accountWith(idOf(1, 2), 0n)];

function committed(n: number, event: DomainEvent | null): readonly CommittedEvent[] {
  return [
    { position: BigInt(n), recordedAt: 1_769_850_927_000_000n + BigInt(n), transactionId: null, event },
  ];
}

/** A transfer, a hold, one that is repeated, one that was erased since, and two refusals, again and again. */
function outcomesOf(count: number): Outcome[] {
  return Array.from({ length: count }, (_, n): Outcome => {
    if (n % 6 === 4) return refused('insufficient_funds', 'amount');
    if (n % 6 === 5) return refused('idempotency_key_reused', null);
    const hold = n % 6 === 1 ? { hold: { expiresAt: null } } : {};
    const command = moveOf(idOf(2, n), alice.id, bob.id, 7n, { reference: `Nr. ${n} ☕`, ...hold });
    const decision = decide(command, stateOf([alice, bob]), unboundCaller);
    if (!decision.accepted) throw new Error(decision.refusal.message);
    const event = n % 6 === 3 ? null : decision.events[0]!;
    return { accepted: true, isReplay: n % 6 === 2, isDryRun: false, events: committed(n + 1, event) };
  });
}

function refused(code: 'insufficient_funds' | 'idempotency_key_reused', path: string | null): Outcome {
  return { accepted: false, refusal: { code, message: 'it may not', path } };
}

function shown(outcome: Outcome, reader: Reader) {
  if (outcome.accepted) {
    const data = transactionAnswer(outcome.events, reader).data;
    return { status: 201, data, ...(outcome.isReplay ? { replayed: true } : {}) };
  }
  const { code, message, path } = outcome.refusal;
  return {
    status: 422,
    error: { code, message, ...(path === null ? {} : { details: [{ path, message }] }) },
  };
}

function answerTo(items: readonly Outcome[], isReplay: boolean, reader: Reader) {
  const headers: Record<string, string> = {};
  const reply = {
    header: (name: string, value: string) => Object.assign(headers, { [name]: value }),
    type: (value: string) => Object.assign(headers, { 'Content-Type': value }),
  } as unknown as FastifyReply;
  const sent = items.map((): BatchItemBody => ({}));
  const bytes = answerBatch({ accepted: true, isReplay, isDryRun: false, items }, sent, reader, reply);
  return { text: bytes.toString('utf8'), headers };
}

describe('the answer to a batch', () => {
  // Parts of it become bytes one after the other.
  it.each([1, 2, 5, 63, 64, 65, 127, 128, 129, 1_000])(
    'of %i items is what JSON.stringify makes of them',
    (count) => {
      const items = outcomesOf(count);
      const refusedCount = items.filter(({ accepted }) => !accepted).length;
      for (const reader of [{ ownerId: null }, { ownerId: 'alice' }]) {
        const meta = { succeeded: count - refusedCount, refused: refusedCount };
        const { text } = answerTo(items, false, reader);
        expect(text).toBe(JSON.stringify({ data: items.map((item) => shown(item, reader)), meta }));
      }
    },
  );

  it('says that it is JSON, and whether it is a repeated one', () => {
    const type = { 'Content-Type': 'application/json; charset=utf-8' };
    expect(answerTo(outcomesOf(1), false, { ownerId: null }).headers).toEqual(type);
    const replayed = { ...type, 'Idempotency-Replayed': 'true' };
    expect(answerTo(outcomesOf(1), true, { ownerId: null }).headers).toEqual(replayed);
  });
});
