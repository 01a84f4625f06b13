import { expect, test } from 'vitest';
import { countTests } from './test-report.js';

function report(passed: number, failed: number, files: { status: string; assertionResults: unknown[] }[]): unknown {
  return { numPassedTests: passed, numFailedTests: failed, numPendingTests: 1, numTodoTests: 2, testResults: files };
}

const fine = { status: 'passed', assertionResults: [{}] };

test('tests are counted as vitest counts them, skipped ones apart', () => {
  expect(countTests(report(5, 0, [fine]), 0)).toEqual({ passed: 5, failed: 0, notRun: 3 });
  expect(countTests(report(5, 2, [fine]), 1)).toEqual({ passed: 5, failed: 2, notRun: 3 });
});

test('a file that cannot be loaded counts as a failure, though no test of it failed', () => {
  const broken = { status: 'failed', assertionResults: [] };
  expect(countTests(report(5, 1, [fine, broken, broken]), 1).failed).toBe(3);
});

test('an error outside of any test counts as a failure', () => {
  expect(countTests(report(5, 0, [fine]), 1).failed).toBe(1);
});

test('a run that wrote no report failed', () => {
  expect(countTests(undefined, null)).toEqual({ passed: 0, failed: 1, notRun: 0 });
});
