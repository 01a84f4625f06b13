import { describe, expect, test } from 'vitest';
import { asCode, asMarkdown, asSummary, oneLine, spanText, usdMarkdown, usdText } from './shown-text.js';

const HOSTILE = '[x](javascript:alert(1)) ![i](http://e/x.png) <b>b</b> `c` **d** _e_ | # $1$ &lt; ~~f~~';

describe('a text of others', () => {
  test('is one line that is cut', () => {
    expect(oneLine('a\n\n## b\t\u0000c', 50)).toBe('a ## b c');
    const cut = oneLine('x'.repeat(10_000), 100);
    expect(cut).toBe(`${'x'.repeat(99)}…`);
    expect(oneLine('abc', 3)).toBe('abc');
  });

  test('does not turn what follows it around', () => {
    expect(oneLine('a\u202eb', 10)).toBe('a b');
  });

  test('is no markup within Markdown', () => {
    const shown = asMarkdown(HOSTILE, 200);
    expect(shown).not.toMatch(/[[\]()<>`*_|$~]/);
    expect(shown.replace(/&#\d+;/g, '')).not.toMatch(/[#&!]/);
    const read = shown.replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)));
    expect(read).toBe(HOSTILE);
  });

  test('is no link within Markdown', () => {
    expect(asMarkdown('see http://evil.example', 50)).not.toContain('http:');
  });

  test('is no markup within a summary, and can be read there', () => {
    const shown = asSummary(HOSTILE, 380);
    expect(shown).not.toMatch(/[[\]<>`*|$~]|:\/\/|&\w+;|\b_|_\b/);
    expect(asSummary('Villa_Azul & Söhne, 100%', 230)).toBe('Villa_Azul & Söhne, 100%');
  });

  test.each(['"'.repeat(500), '$'.repeat(500), '荘'.repeat(500), '😀'.repeat(500), 'x'.repeat(10_000)])(
    'takes no more bytes in a summary than it may: %.3s',
    (text) => {
      const shown = asSummary(text, 230);
      const bytes = Buffer.byteLength(JSON.stringify(shown)) - 2;
      expect(bytes).toBeLessThanOrEqual(230);
      expect(bytes).toBeGreaterThan(220);
    },
  );

  test('stands within code without ending it', () => {
    expect(asCode('a`b\nc')).toBe("`a'b c`");
  });
});

test.each([
  [9, '$9'],
  [0, '$0'],
  [1.6, '$1.60'],
  [0.035, '$0.035'],
  [0.000001, '$0.000001'],
  [12.345678, '$12.345678'],
])('%d US dollars are shown as %s', (usd, text) => {
  expect(usdText(usd)).toBe(text);
  expect(usdMarkdown(usd)).toBe(text.replace('$', '&#36;'));
});

test.each([
  [7 * 24 * 3_600_000, '7 days'],
  [24 * 3_600_000, '1 day'],
  [7_200_000, '2 hours'],
  [90_000, '90 s'],
  [20_000, '20 s'],
  [500, '0.5 s'],
])('%d ms are %s', (ms, text) => {
  expect(spanText(ms)).toBe(text);
});
