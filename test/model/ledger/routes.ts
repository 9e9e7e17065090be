/** What can be asked at all: anything else is 404, or 405 where it can be asked in another way. */
import { refuse } from './refusals.js';

const routes: readonly (readonly [path: RegExp, methods: readonly string[]])[] = [
  [/^accounts$/, ['GET', 'POST']],
  [/^accounts\/[^/]+$/, ['GET', 'PATCH', 'DELETE']],
  [/^accounts\/[^/]+\/(balance|entries|statement)$/, ['GET']],
  [/^transactions$/, ['GET', 'POST']],
  [/^transactions\/batch$/, ['GET', 'POST']],
  [/^transactions\/[^/]+$/, ['GET']],
  [/^transactions\/[^/]+\/(capture|void|reverse)$/, ['POST']],
  [/^transactions\/[^/]+\/hold$/, ['PATCH']],
  [/^(mints|burns)$/, ['POST']],
  [/^(events|trial-balance|exchange-rates)$/, ['GET']],
  [/^exchange-rates\/[^/]+\/[^/]+$/, ['PUT']],
  [/^currencies$/, ['GET', 'POST']],
  [/^periods\/closed-through$/, ['GET', 'PUT']],
];

export function checkPath(method: string, path: string): void {
  const found = routes.find(([pattern]) => pattern.test(path.replace('/v1/', '')));
  if (found === undefined) return refuse('not_found');
  if (!found[1].includes(method)) refuse('method_not_allowed');
}
