import { eventTypes } from '#contracts';
import { isWanted, type Interest } from './matching.js';

const alices = { accountId: 'acc_a', system: null, ownerId: 'alice', visibility: 'private' as const };
const bobs = { accountId: 'acc_b', system: null, ownerId: 'bob', visibility: 'private' as const };
const rates = { type: 'exchange-rate.set', parties: [], ownerIds: [] };
const capture = { type: 'transaction.captured', parties: [alices, bobs], ownerIds: ['alice', 'bob'] };
const anything: Interest = { eventTypes: ['*'], accountIds: [], ownerId: null };

describe('what an endpoint gets', () => {
  it.each<[string, Partial<Interest>, [ofSettings: boolean, ofACapture: boolean]]>([
    ['who asks for nothing special', {}, [true, true]],
    ['who is bound to an owner', { ownerId: 'alice' }, [false, true]],
    ['who is bound to an owner who has nothing to do with it', { ownerId: 'carol' }, [false, false]],
    ['who asks for accounts', { accountIds: ['acc_a'] }, [false, true]],
    ['who asks for other accounts', { accountIds: ['acc_c'] }, [false, false]],
    [
      'who asks for an account that is hidden from its owner',
      { accountIds: ['acc_b'], ownerId: 'alice' },
      [false, false],
    ],
    ['who asks for transactions', { eventTypes: ['transaction.*'] }, [false, true]],
    ['who asks for rates', { eventTypes: ['exchange-rate.*'] }, [true, false]],
    ['who asks for one type', { eventTypes: ['exchange-rate.set'] }, [true, false]],
    ['who asks for what only begins alike', { eventTypes: ['exchange.*'] }, [false, false]],
  ])('%s', (_, interest, wanted) => {
    const wish = { ...anything, ...interest };
    expect([isWanted(wish, rates), isWanted(wish, capture)]).toEqual(wanted);
  });

  it.each(eventTypes)('$type, by its name and by its kind', ({ type }) => {
    const event = { ...capture, type };
    expect(isWanted({ ...anything, eventTypes: [type] }, event)).toBe(true);
    expect(isWanted({ ...anything, eventTypes: [`${type.split('.')[0]}.*`] }, event)).toBe(true);
  });
});
