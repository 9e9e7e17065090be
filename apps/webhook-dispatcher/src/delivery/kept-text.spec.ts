import { keptText } from './kept-text.js';

const bytesOf = (text: string) => Buffer.from(text, 'utf8');

describe('the text kept of an answer', () => {
  it.each([
    ['is the answer', bytesOf('{"ok":true}'), 100, '{"ok":true}'],
    ['ends at the limit', bytesOf('abcdef'), 3, 'abc'],
    ['leaves out a character that was cut', bytesOf('ab€'), 4, 'ab'],
    ['keeps one that fits', bytesOf('ab€'), 5, 'ab€'],
    ['does not split a surrogate pair', bytesOf('a🏦'), 4, 'a'],
    ['shows U+0000 as replaced', bytesOf('a\0b'), 100, 'a\ufffdb'],
    ['shows what is no UTF-8 as replaced', Buffer.of(0x61, 0xff, 0xc3, 0x28), 100, 'a\ufffd\ufffd('],
    ['replaces encoded surrogates', Buffer.of(0xed, 0xa0, 0x80), 100, '\ufffd\ufffd\ufffd'],
    ['may be empty', Buffer.alloc(0), 100, ''],
  ])('%s', (_name, bytes, bytesMax, text) => {
    expect(keptText(bytes, bytesMax)).toBe(text);
  });

  it.each([0x00, 0xff, 0x80, 0xf0])('has at most its bytes, whatever it is made of: %i', (byte) => {
    const text = keptText(Buffer.alloc(100_000, byte), 8_192);
    expect(bytesOf(text).length).toBeLessThanOrEqual(8_192);
    expect(bytesOf(text).length).toBeGreaterThan(8_000);
    expect(text).not.toMatch(/\0/);
    expect(text.isWellFormed()).toBe(true);
  });
});
