/** Which events are asked for. */
import { refuseIf } from './refusals.js';

const limitMax = 1_000;

export function eventsRange(query: Readonly<Record<string, string>>) {
  const { after = '0', limit = '100', consistency = 'strong', ...unknown } = query;
  refuseIf(Object.keys(unknown).length > 0, 'validation_error');
  refuseIf(!/^(0|[1-9]\d{0,17})$/.test(after), 'validation_error');
  refuseIf(!/^[1-9]\d{0,3}$/.test(limit) || Number(limit) > limitMax, 'validation_error');
  refuseIf(!['strong', 'eventual'].includes(consistency), 'validation_error');
  return { after: Number(after), limit: Number(limit) };
}
