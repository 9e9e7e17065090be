import 'reflect-metadata';
import { validateSync } from 'class-validator';
import { eventTypes } from '#contracts';
import { CreateEndpointBody } from './endpoint-bodies.js';

function accepts(wanted: string): boolean {
  const body = Object.assign(new CreateEndpointBody(), { url: 'https://example.com', eventTypes: [wanted] });
  return validateSync(body, { forbidUnknownValues: false }).length === 0;
}

describe('the event types that an endpoint asks for', () => {
  it.each(eventTypes)('may be $type, and all of its kind', ({ type }) => {
    expect([type, `${type.split('.')[0]}.*`].map(accepts)).toEqual([true, true]);
  });

  it.each(['*', 'something.of_the.future', 'something-else.*', 'a.b.*'])('may be %s', (wanted) => {
    expect(accepts(wanted)).toBe(true);
  });

  it.each([
    '',
    'transaction',
    '.*',
    '-rate.set',
    'exchange-rate',
    'Exchange-rate.set',
    'exchange-rate.*x',
    '**',
  ])('may not be %s', (wanted) => {
    expect(accepts(wanted)).toBe(false);
  });
});
