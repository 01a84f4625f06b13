import { expect, test } from 'vitest';
import { ERRORS, type ErrorCode } from './errors.js';
import { REMEDIES, withRemedy } from './remedies.js';

const CODES = Object.keys(ERRORS) as ErrorCode[];

test.each(CODES)('%s has a remedy in whole sentences', (code) => {
  expect(REMEDIES[code]).toMatch(/^[A-Z].{9,}\.$/s);
  expect(Object.keys(REMEDIES)).toHaveLength(CODES.length);
});

test('a failure says why, and then what to do', () => {
  expect(withRemedy({ code: 'NO_CLIPS', message: 'every clip was skipped.' })).toBe(
    `NO_CLIPS: every clip was skipped. What to do: ${REMEDIES.NO_CLIPS}`,
  );
});
