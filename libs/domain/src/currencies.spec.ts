import { currencyExponent } from './currencies.js';

describe('a currency', () => {
  it.each([
    ['EUR', 2],
    ['USD', 2],
    ['JPY', 0],
    ['KWD', 3],
    ['CLF', 4],
    ['ZWG', 2],
    ['XCG', 2],
  ])('%s has %i decimals', (code, exponent) => {
    expect(currencyExponent(code)).toBe(exponent);
  });

  it.each([
    ['in lower case', 'eur'],
    ['with a blank', 'EUR '],
    ['empty', ''],
    ['unknown', 'AAA'],
    ['withdrawn', 'DEM'],
    ['a metal, which has no minor unit', 'XAU'],
    ['the code for none', 'XXX'],
    ['a name that every object has', 'constructor'],
  ])('%s is refused', (_, code) => {
    expect(currencyExponent(code)).toBeNull();
  });
});
