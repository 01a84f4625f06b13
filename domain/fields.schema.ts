/** Fields that several request bodies share. One schema validates, types and documents. Not for workflow code (zod). */
import { z } from 'zod';

const MAX_JSON_CHARACTERS = 16 * 1024;

/** What Postgres cannot hold: NUL in any text, half of a surrogate pair in JSON. */
const UNSTORABLE = /[\0\p{Surrogate}]/u;
const UNSTORABLE_MESSAGE = 'must not contain NUL characters or broken Unicode';

/** Text of 1 to `max` characters that Postgres can hold. */
export const text = (max: number): z.ZodString =>
  z
    .string()
    .min(1)
    .max(max)
    .refine((value) => !UNSTORABLE.test(value), { error: UNSTORABLE_MESSAGE });

/** UUID text, brought to lower case, which is how the tables give ids back. */
export const id = z.uuid({ error: (issue) => `expected an id (UUID text), got ${seen(issue.input)}` }).toLowerCase();

export const name = text(200).refine((value) => value.trim() !== '', { error: 'must not be blank' });

export const webAddress = z
  .url({ protocol: /^https?$/, error: 'expected an http or https URL' })
  .max(2000)
  .refine((value) => !UNSTORABLE.test(value), { error: UNSTORABLE_MESSAGE });

/** A JSON object kept for the caller and returned as it came. */
export const metadata = z
  .record(z.string(), z.unknown())
  .refine((value) => JSON.stringify(value).length <= MAX_JSON_CHARACTERS, {
    error: `must not be longer than ${MAX_JSON_CHARACTERS} characters as JSON`,
  })
  .refine(isStorableJson, { error: 'must be JSON of finite numbers and of text without NUL or broken Unicode' });

/** True where Postgres gives back what is put in, at any depth: 1e999 is parsed as Infinity and written as null. */
function isStorableJson(value: unknown): boolean {
  if (typeof value === 'string') return !UNSTORABLE.test(value);
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([key, entry]) => !UNSTORABLE.test(key) && isStorableJson(entry));
}

/** How a refused value is shown in a message: short, and of addresses only what holds no token and no password. */
export function seen(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'number') return String(value);
  const shown = String(JSON.stringify(value, (_key, part: unknown) => (typeof part === 'string' ? tame(part) : part)));
  return shown.length > 60 ? `${shown.slice(0, 57)}...` : shown;
}

/** What stands before the host's name or behind the path of an address is its owner's secret. */
function tame(text: string): string {
  if (!/^\s*[a-z][a-z\d+.-]*:[/\\]{2}/i.test(text)) return text;
  return text.replace(/[?#].*$/s, '?...').replace(/(:[/\\]{2,})[^/\\]*@/, '$1...@');
}
