/** What a run of vitest came to, read from its JSON report. */

export interface TestCounts {
  passed: number;
  failed: number;
  /** Skipped, by the test itself or because what it wants is missing. */
  notRun: number;
}

interface Report {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  testResults: { status: string; assertionResults: unknown[] }[];
}

/**
 * @param report the parsed JSON report, undefined where vitest wrote none
 * @param exitCode vitest's own verdict
 */
export function countTests(report: unknown, exitCode: number | null): TestCounts {
  if (report === undefined) return { passed: 0, failed: 1, notRun: 0 };
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = report as Report;
  // A file that fails while it is loaded has no tests to count.
  const brokenFiles = testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0);
  const failed = numFailedTests + brokenFiles.length;
  return {
    passed: numPassedTests,
    // An error outside of any test fails the run, and no test.
    failed: failed === 0 && exitCode !== 0 ? 1 : failed,
    notRun: numPendingTests + numTodoTests,
  };
}
