/** In which form an answer is wanted: JSON, but where a route has others as well. */
import { refuseIf } from './refusals.js';

export const csv = 'text/csv';

export function checkAccept(accept: string | null, others: readonly string[]): void {
  const known = ['application/json', '*/*', ...others];
  refuseIf(accept !== null && !known.includes(accept), 'not_acceptable');
}
