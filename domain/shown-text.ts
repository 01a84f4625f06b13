/**
 * Texts of others (names, messages) as the Temporal Web UI can show them. It renders summaries and details as Markdown
 * with HTML, links and `$...$` formulas (Web UI 2.42.1), so what was not meant as such must not become it.
 */
import { cutText } from './cut-text.js';

/** Control characters, and those that turn the direction of what follows. */
const UNSEEN = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** The text on one line of at most `max` UTF-16 units, with an ellipsis where it was longer. */
export function oneLine(text: string, max: number): string {
  const line = text.replace(UNSEEN, ' ').replace(/\s+/g, ' ').trim();
  // Cutting goes character by character: what is far too long is made short at once.
  return cutText(line.slice(0, max + 1), (candidate) => candidate.length <= max);
}

/** The text as a part of a Markdown line that shows it as it is: whatever could be markup stands as an entity. */
export function asMarkdown(text: string, max: number): string {
  return oneLine(text, max).replace(
    /[\\`*_{}[\]<>()#|&~$^!"]|:(?=\S)/gu,
    (character) => `&#${character.codePointAt(0)};`,
  );
}

/** What stands in a summary, which the list shows as plain text and a page as Markdown, in the place of markup. */
const LOOKALIKES: Record<string, string> = {
  '\\': '/',
  '`': "'",
  '*': '\u2217',
  '[': '(',
  ']': ')',
  '<': '\u2039',
  '>': '\u203a',
  '|': '\u00a6',
  '~': '\u223c',
  $: '\uff04',
  '#': '\uff03',
  '!': '\uff01',
};

/** The text as a part of a summary, of at most `maxBytes` as JSON. Where it has markup, similar characters take its place. */
export function asSummary(text: string, maxBytes: number): string {
  const harmless = oneLine(text, maxBytes)
    .replace(/[\\`*[\]<>|~$#]|!(?=\[)/gu, (character) => LOOKALIKES[character] ?? character)
    .replace(/(?<![\p{L}\p{N}])_+|_+(?![\p{L}\p{N}])/gu, '\u2017')
    .replace(/&(?=#?\w+;)/gu, '\uff06')
    .replaceAll('://', ': //');
  return cutText(harmless, (candidate) => jsonBytes(candidate) <= maxBytes);
}

/** Bytes of the text in UTF-8, a quote and a backslash escaped; there is no Buffer in the workflow sandbox. */
function jsonBytes(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    const escaped = character === '"' || character === '\\';
    bytes += escaped || (point >= 0x80 && point < 0x800) ? 2 : point < 0x80 ? 1 : point < 0x10000 ? 3 : 4;
  }
  return bytes;
}

/**
 * Paragraphs as one page of Markdown. The Web UI's frame for it ends a line or two too early where lines are wrapped, so
 * what it cuts off is empty.
 */
export const asPage = (paragraphs: readonly string[]): string => [...paragraphs, '&#160;', '&#160;'].join('\n\n');

/** Code in a Markdown line, e.g. what is to be typed in. Backticks in it would end it early. */
export const asCode = (text: string): string => `\`${text.replace(UNSEEN, ' ').replaceAll('`', "'")}\``;

/** E.g. `$9`, `$1.60`, `$0.035`: at most the ledger's six decimals. */
export function usdText(usd: number): string {
  if (Number.isInteger(usd)) return `$${usd}`;
  const decimals = usd.toFixed(6).replace(/0+$/, '');
  const missing = 2 - (decimals.length - decimals.indexOf('.') - 1);
  return `$${decimals}${'0'.repeat(Math.max(0, missing))}`;
}

/** The same within Markdown, where two dollar signs would be a formula. */
export const usdMarkdown = (usd: number): string => usdText(usd).replace('$', '&#36;');

const UNITS = [
  { ms: 24 * 3_600_000, one: 'day', many: 'days' },
  { ms: 3_600_000, one: 'hour', many: 'hours' },
  { ms: 60_000, one: 'minute', many: 'minutes' },
] as const;

/** A span of time in whole units where there are any, e.g. `7 days`, `90 s`, `0.5 s`. */
export function spanText(ms: number): string {
  const unit = UNITS.find((candidate) => ms >= candidate.ms && ms % candidate.ms === 0);
  if (unit === undefined) return `${Math.round(ms / 100) / 10} s`;
  const count = ms / unit.ms;
  return `${count} ${count === 1 ? unit.one : unit.many}`;
}

/** E.g. `1 clip`, `7 clips`. */
export const countText = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`;
