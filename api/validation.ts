/** Turns what a schema refuses into one plain sentence: which field, what was expected, what was seen. */
import type { z } from 'zod';
import { ReelwrightError } from '../domain/errors.js';
import { seen } from '../domain/fields.schema.js';

type Issue = z.core.$ZodIssue;

/** The value as the schema gives it out; throws VALIDATION_FAILED that names the first field at fault. */
export function validate<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw issue === undefined ? result.error : explain(issue, value);
}

/** VALIDATION_FAILED about one field; `path` is dotted, `seenText` is ready for display. */
export function invalidField(path: string, expected: string, seenText: string): ReelwrightError {
  return new ReelwrightError('VALIDATION_FAILED', `${path}: expected ${expected}, got ${seenText}`, {
    details: { path, expected, seen: seenText },
  });
}

function explain(issue: Issue, root: unknown): ReelwrightError {
  if (issue.code === 'unrecognized_keys') {
    const path = dotted([...issue.path, issue.keys[0] ?? '']);
    return new ReelwrightError('VALIDATION_FAILED', `${path}: there is no such field`, {
      details: { path, expected: 'no such field', seen: seen(valueAt(root, [...issue.path, issue.keys[0] ?? ''])) },
    });
  }
  const value = valueAt(root, issue.path);
  const path = dotted(issue.path);
  if (issue.code === 'custom') {
    return new ReelwrightError('VALIDATION_FAILED', `${path}: ${issue.message}`, {
      details: { path, expected: issue.message, seen: seen(value) },
    });
  }
  return invalidField(path, expectedBy(issue), seenFor(issue, value));
}

const NOUNS: Record<string, string> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

const FORMATS: Record<string, string> = { uuid: 'an id (UUID text)', url: 'an http or https URL' };

function expectedBy(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return NOUNS[issue.expected] ?? issue.expected;
    case 'invalid_value':
      return oneOf(issue.values);
    case 'invalid_union':
      return 'options' in issue && issue.options !== undefined ? oneOf(issue.options) : issue.message;
    case 'too_small':
      return `at least ${counted(Number(issue.minimum), issue.origin)}`;
    case 'too_big':
      return `at most ${counted(Number(issue.maximum), issue.origin)}`;
    case 'invalid_format':
      return FORMATS[issue.format] ?? issue.message;
    case 'custom':
    case 'invalid_element':
    case 'invalid_key':
    case 'not_multiple_of':
    case 'unrecognized_keys':
      return issue.message;
  }
}

function seenFor(issue: Issue, value: unknown): string {
  const sized = issue.code === 'too_small' || issue.code === 'too_big';
  if (sized && (typeof value === 'string' || Array.isArray(value))) return counted(value.length, issue.origin);
  return seen(value);
}

const UNITS: Record<string, string> = { string: 'character', array: 'item' };

function counted(count: number, origin: string): string {
  const unit = UNITS[origin];
  return unit === undefined ? String(count) : `${count} ${unit}${count === 1 ? '' : 's'}`;
}

const oneOf = (values: readonly unknown[]): string => values.map((value) => String(value)).join(' or ');

const dotted = (path: readonly PropertyKey[]): string => (path.length === 0 ? 'body' : path.map(String).join('.'));

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}
