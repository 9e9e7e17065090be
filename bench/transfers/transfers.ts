import type { Answer } from './http-connection.js';
import type { Traffic } from './load.js';

const singleNames = ['uniform', 'hot-recipient', 'hot-sender'] as const;
const batchNames = ['batch-independent', 'batch-atomic'] as const;
type SingleName = (typeof singleNames)[number];
export type BatchName = (typeof batchNames)[number];

export const scenarioNames = [...singleNames, ...batchNames] as const;
export type ScenarioName = (typeof scenarioNames)[number];

export const scenarioMeanings: Readonly<Record<ScenarioName, string>> = {
  uniform: 'sender and recipient drawn evenly from all accounts',
  'hot-recipient': 'one account is the recipient of every transfer, the sender is drawn evenly',
  'hot-sender': 'one account is the sender of every transfer, the recipient is drawn evenly',
  'batch-independent': 'as uniform, 1,000 transfers in each request, each decided by itself',
  'batch-atomic': 'as uniform, 1,000 transfers in each request, all of them or none',
};

export const batchTransfers = 1_000;

export function isBatch(scenario: ScenarioName): scenario is BatchName {
  return (batchNames as readonly string[]).includes(scenario);
}

/** The text of a request. */
export function httpRequest(
  line: string,
  apiKey: string,
  body?: { readonly json: string; readonly idempotencyKey: string },
): string {
  const head = `${line} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer ${apiKey}\r\n`;
  if (body === undefined) return `${head}\r\n`;
  const { json, idempotencyKey } = body;
  return (
    `${head}Content-Type: application/json\r\nIdempotency-Key: ${idempotencyKey}\r\n` +
    `Content-Length: ${Buffer.byteLength(json)}\r\n\r\n${json}`
  );
}

/**
 * Transfers without end, each with a body and an idempotency key of its own. Half of them have a reference and a
 * quarter metadata, as texts of different lengths; a few amounts are JSON numbers. The same seed gives the same
 * transfers in the same order.
 */
export function transfers(
  scenario: SingleName,
  accountIds: readonly string[],
  apiKey: string,
  run: string,
): Traffic {
  const random = randomNumbers(0x5eed);
  let count = 0;
  return {
    next() {
      count += 1;
      const json = transferBody(scenario, accountIds, count, random);
      return httpRequest('POST /v1/transactions', apiKey, { json, idempotencyKey: `${run}-${count}` });
    },
  };
}

/** The same transfers in batches: a batch has an idempotency key, its transfers have none of their own. */
export function batches(
  scenario: BatchName,
  accountIds: readonly string[],
  apiKey: string,
  run: string,
): Traffic {
  const random = randomNumbers(0x5eed);
  const mode = scenario === 'batch-atomic' ? 'atomic' : 'independent';
  let count = 0;
  return {
    next() {
      count += 1;
      const bodies = Array.from({ length: batchTransfers }, (_, index) =>
        transferBody('uniform', accountIds, count * batchTransfers + index, random),
      );
      const json = `{"mode":"${mode}","transactions":[${bodies.join(',')}]}`;
      return httpRequest('POST /v1/transactions/batch', apiKey, { json, idempotencyKey: `${run}-${count}` });
    },
    unitsOf: succeededIn,
  };
}

/** How many transfers of a batch were made, as the end of its answer says. */
function succeededIn({ body }: Pick<Answer, 'body'>): number {
  const end = body.subarray(-200).toString('latin1');
  return Number(/"succeeded":(\d+)/.exec(end)?.[1] ?? 0);
}

const GOODS = [
  'books',
  'Café crème',
  'train tickets',
  'rent',
  'electricity',
  'groceries and household',
  'tax',
];
const CHANNELS = ['web', 'app', 'branch', 'standing order'];

function transferBody(
  scenario: SingleName,
  accountIds: readonly string[],
  count: number,
  random: (below: number) => number,
): string {
  const [sender, recipient] = parties(scenario, accountIds.length, random);
  const amount = 1 + random(5_000);
  const amountJson = random(8) === 0 ? String(amount) : `"${amount}"`;
  let json = `{"sender":"${accountIds[sender]}","recipient":"${accountIds[recipient]}","amount":${amountJson}`;
  if (random(2) === 0) {
    json += `,"reference":"Invoice ${2020 + random(6)}-${random(1_000_000)} for ${GOODS[random(GOODS.length)]}"`;
  }
  if (random(4) === 0) {
    json += `,"metadata":{"order":${count},"channel":"${CHANNELS[random(CHANNELS.length)]}","items":[{"sku":"S-${random(100_000)}","quantity":${1 + random(9)}}]}`;
  }
  return `${json}}`;
}

/** Two different accounts; the hot one is the first. */
function parties(
  scenario: SingleName,
  accounts: number,
  random: (below: number) => number,
): readonly [sender: number, recipient: number] {
  const one = scenario === 'uniform' ? random(accounts) : 0;
  const drawn = random(accounts - 1);
  const other = drawn >= one ? drawn + 1 : drawn;
  return scenario === 'hot-recipient' ? [other, one] : [one, other];
}

/** Mulberry32: even enough for a draw, cheap, and repeatable. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}
