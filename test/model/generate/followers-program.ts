/** One hold that all clients capture and give back, a unit each time, until it can't have any more of either. */
import { generateCallers } from './callers.js';
import { processes, type Operation, type Program } from './program.js';
import { Random } from './random.js';
import type { Draft } from './writes.js';

const clientsAtOnce = 8;
const operations = 1_160;

const setup: readonly Draft[] = [
  { method: 'POST', path: '/v1/accounts', body: { name: 'Payer', currency: 'EUR', openingBalance: 5_000 } },
  { method: 'POST', path: '/v1/accounts', body: { name: 'Payee', currency: 'EUR', ownerId: 'owner-1' } },
  {
    method: 'POST',
    path: '/v1/transactions',
    body: { sender: '{account:0}', recipient: '{account:1}', amount: 4_000, pending: true },
  },
];
const hold = '/v1/transactions/{hold:2}';

export function generateFollowersProgram(seed: number): Program {
  const random = new Random(seed);
  const callers = generateCallers(random);
  const clients: Operation[][] = Array.from({ length: clientsAtOnce }, () => []);
  for (let number = setup.length; number < operations; number++) {
    const caller = random.pick([0, 0, 0, 1]);
    const asked = { number, caller, process: random.below(processes), ...oneOf(random, number) };
    clients[random.below(clientsAtOnce)]!.push(asked);
  }
  const numbered = setup.map((draft, number) => ({ number, ...draft }));
  return { seed, callers, setup: numbered, clients, listsAtEnd: 0 };
}

function oneOf(random: Random, number: number): Draft {
  const earlier = `/v1/transactions/{transaction:${number - 1 - random.below(40)}}`;
  return random.weighted<Draft>([
    [500, { method: 'POST', path: `${hold}/capture`, body: { amount: 1 } }],
    [40, { method: 'POST', path: `${hold}/reverse`, body: { amount: 1 } }],
    [20, { method: 'POST', path: `${earlier}/reverse`, body: { amount: 1 } }],
    [10, { method: 'GET', path: hold }],
  ]);
}
